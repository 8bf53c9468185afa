"""The pages: what is stored as views, views as HTML, and a little of our own JavaScript that keeps them live."""
