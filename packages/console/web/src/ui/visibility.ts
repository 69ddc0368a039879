/** Whether anybody can see the page: what is painted need not be painted in a tab behind others. */
import { signal } from "./reactive.js";

export const isVisible = signal(!document.hidden);

document.addEventListener("visibilitychange", () => isVisible.set(!document.hidden));
