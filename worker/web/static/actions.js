// Actions: what a person does to a run. The buttons show only where this program runs, since they need it.

const REQUESTS = {
  cancel: (run) => [`/api/runs/${run}/cancel`, { reason: "cancelled on the run's page" }],
  approve: (run) => [`/api/runs/${run}/approve`, {}],
  decline: (run) => [`/api/runs/${run}/decline`, {}],
  approveJob: (run, job) => [`/api/runs/${run}/jobs/${encodeURIComponent(job)}/approve`, {}],
  declineJob: (run, job) => [`/api/runs/${run}/jobs/${encodeURIComponent(job)}/decline`, {}],
  again: (run) => ["/api/runs", { again: run }],
  failed: (run) => ["/api/runs", { again: run, jobs: "failed" }],
};

const MAKES_A_RUN = new Set(["again", "failed"]);
const DONE = {
  cancel: "Cancelling…",
  approve: "Approved",
  decline: "Declined",
  approveJob: "Approved",
  declineJob: "Declined",
};

export function listenForActions(run) {
  document.documentElement.classList.add("has-script");
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-action]");
    if (button) act(button, run);
  });
}

async function act(button, run) {
  button.disabled = true;
  const [address, body] = REQUESTS[button.dataset.action](run, button.dataset.job);
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
  if (!answer?.ok) {
    button.disabled = false;
    button.title = (await answer?.json().catch(() => null))?.detail ?? "The server does not answer.";
    button.textContent = "Failed: try again";
  } else if (MAKES_A_RUN.has(button.dataset.action)) {
    location.assign(new URL((await answer.json()).url).pathname);
  } else {
    button.textContent = DONE[button.dataset.action];
  }
}
