/** What build.mjs makes of the languages other than English: messages by language. */
declare module "languages" {
  type Messages = Record<string, string | Record<string, string>>;
  export const plugin: Record<string, Messages>;
  /** What is missing is said in English. */
  export const view: Record<string, Messages>;
}
