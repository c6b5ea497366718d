/** What build.mjs makes of the languages other than English, by language. What is missing of the view's is said in English. */
declare module "languages" {
  type Messages = Record<string, string | Record<string, string>>;
  const languages: Record<string, { view: Messages; plugin: Messages }>;
  export default languages;
}
