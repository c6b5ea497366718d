/** What build.mjs makes of the languages other than English. */
declare module "packed-languages" {
  /** By language: the messages in the order of en.json, as JSON, deflated, in Base64. */
  const packed: Record<string, string>;
  export default packed;
}
