import { forms, skipped } from "./forms.ts";

/** Cases that only root can run: owners, `trusted.` attributes, mounts, device files. */
export const rootForms: typeof forms =
	process.getuid?.() === 0 ? forms : (title) => skipped(title, "it needs root");
