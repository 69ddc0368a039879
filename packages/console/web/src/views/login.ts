/** Asks for the token that this console wants. */
import { api, describeError, loginNeeded, RequestError } from "../api.js";
import { about } from "../store.js";
import { h } from "../ui/h.js";
import { signal } from "../ui/reactive.js";

export function loginForm(): HTMLElement {
  const fault = signal("");
  const token = h("input", {
    type: "password",
    id: "token",
    name: "token",
    autocomplete: "current-password",
    required: true,
    "aria-describedby": "token-hint token-fault",
    "aria-invalid": () => fault.get() !== "",
  });
  const logIn = async (): Promise<void> => {
    try {
      await api.login(token.value);
      about.set(await api.about());
      loginNeeded.set(false);
    } catch (error) {
      const refused = error instanceof RequestError && (error.status === 401 || error.status === 403);
      fault.set(refused ? "This is not the token." : describeError(error));
      token.select();
    }
  };
  queueMicrotask(() => token.focus());
  return h(
    "main",
    { class: "login" },
    h(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          void logIn();
        },
      },
      h("h1", {}, "QuorumFS console"),
      h(
        "div",
        { class: "field" },
        h("label", { for: "token" }, "Token"),
        token,
        h("p", { class: "hint", id: "token-hint" }, "The one that the SuperNode was started with, --console-token."),
        h("p", { class: "fault", id: "token-fault", role: "alert" }, () => fault.get()),
      ),
      h("button", { class: "button primary", type: "submit" }, "Log in"),
    ),
  );
}
