/** requestUrl: the request leaves from outside the page, as Obsidian's does, so no CORS is asked. */

export function requestUrl(request) {
  const asked = typeof request === "string" ? { url: request } : request;
  const answer = ask(asked);
  for (const part of ["json", "text", "arrayBuffer"]) {
    Object.defineProperty(answer, part, { get: () => answer.then((one) => one[part]) });
  }
  return answer;
}

async function ask({ url, method = "GET", body, contentType, headers = {}, throw: throws = true }) {
  const type = contentType ? { "Content-Type": contentType } : {};
  const got = await window.hostRequest({ url, method, body, headers: { ...headers, ...type } });
  if (got.error) throw new Error(got.error);
  if (throws && got.status >= 400) throw new Error(`Request failed, status ${got.status}`);
  return {
    status: got.status,
    headers: got.headers,
    text: got.text,
    get json() {
      return JSON.parse(got.text);
    },
    get arrayBuffer() {
      return new TextEncoder().encode(got.text).buffer;
    },
  };
}
