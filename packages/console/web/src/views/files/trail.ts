/** Where one is, and the way back up. */
import { linkTo } from "../../router.js";
import { h } from "../../ui/h.js";
import { icon } from "../../ui/icons.js";

export function trail(bucket: string, path: string): HTMLElement {
  const segments = path.split("/").filter((segment) => segment !== "");
  const steps = [
    { text: "Files", href: linkTo("files") },
    { text: bucket, href: linkTo("files", bucket, "") },
    ...segments.map((text, index) => ({ text, href: linkTo("files", bucket, ...segments.slice(0, index + 1), "") })),
  ];
  return h(
    "nav",
    { "aria-label": "Where this is" },
    h(
      "ol",
      { class: "trail" },
      steps.map(({ text, href }, index) =>
        h(
          "li",
          {},
          index > 0 && icon("chevron"),
          index === steps.length - 1 ? h("span", { "aria-current": "page" }, text) : h("a", { href }, text),
        ),
      ),
    ),
  );
}
