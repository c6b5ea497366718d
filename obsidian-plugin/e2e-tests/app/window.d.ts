/** Obsidian's, in its window. */
declare const app: any;

/** What notices said, as `tidyUp` keeps it. */
declare const saidByNotices: Set<string>;
