/** What build.mjs makes of the languages other than English: the messages of the view and the plugin, by language. */
declare module "languages" {
  const languages: Record<string, Record<string, string | Record<string, string>>>;
  export default languages;
}

declare module "*.base" {
  const text: string;
  export default text;
}
