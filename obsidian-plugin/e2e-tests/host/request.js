/** requestUrl: the request leaves from outside the page, as Obsidian's does, so no CORS is asked. */

export async function requestUrl({ url, method, body, contentType, headers = {}, throw: throws = true }) {
  const type = contentType ? { "Content-Type": contentType } : {};
  const { error, status, text } = await window.hostRequest({ url, method, body, headers: { ...headers, ...type } });
  if (error) throw new Error(error);
  if (throws && status >= 400) throw new Error(`Request failed, status ${status}`);
  return { status, text };
}
