// The lists of runs: fetched anew every few seconds while someone looks.

import { refresh } from "./refresh.js";
import { keepTime } from "./time.js";

keepTime();
setInterval(() => {
  if (document.visibilityState === "visible") refresh().catch(() => {});
}, 4000);
