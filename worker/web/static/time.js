// Time: counts durations on from their start, and keeps "5 min ago" true. Says the same as worker/web/views.py.

export function duration(milliseconds) {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
}

export function ago(iso, now) {
  const seconds = (now - Date.parse(iso)) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return seconds < 14 * 86400 ? `${Math.floor(seconds / 86400)} d ago` : iso.slice(0, 10);
}

// `serverNow` corrects for a clock of the reader's that is not the server's.
export function keepTime(serverNow = new Date().toISOString()) {
  const ahead = Date.now() - Date.parse(serverNow);
  const tick = () => {
    const now = Date.now() - ahead;
    for (const element of document.querySelectorAll("[data-since]")) {
      element.textContent = duration(now - Date.parse(element.dataset.since));
    }
    for (const element of document.querySelectorAll("[data-ago]")) {
      element.textContent = ago(element.dateTime, now);
    }
  };
  setInterval(tick, 1000);
}
