/** The page's beginning: asks who it is for, shows the login form where one is needed, else the console. */
import { api, loginNeeded } from "./api.js";
import { startRouter } from "./router.js";
import { about } from "./store.js";
import { glance, startStream, stopStream } from "./stream.js";
import { slot } from "./ui/dynamic.js";
import { effect } from "./ui/reactive.js";
import { startTheme } from "./ui/theme.js";
import { toastRegion } from "./ui/toast.js";
import { isVisible } from "./ui/visibility.js";
import { appFrame } from "./views/frame.js";
import { loginForm } from "./views/login.js";

async function start(): Promise<void> {
  startTheme();
  startRouter();
  // A server that does not answer yet is tried again by the stream.
  const answer = await api.about().catch(() => undefined);
  about.set(answer);
  loginNeeded.set(answer?.authorised === false);
  effect(() => {
    if (loginNeeded.get()) stopStream();
    else if (isVisible.get()) startStream();
    else glance();
  });
  document.body.append(
    slot(() => (loginNeeded.get() ? loginForm() : appFrame())),
    toastRegion(),
  );
}

void start();
