"""Access: who asks, and whether they may. Passwords, sessions, tokens, and the guard that stands before each route."""
