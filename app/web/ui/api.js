/** Calls of the server's HTTP routes, and the refusals that they and the socket answer with. */

export const LOST = { code: "disconnected", message: "The connection was lost.", retryable: true };

export class Refusal extends Error {
  constructor(error) {
    super(error.message);
    Object.assign(this, error);
  }
}

/** Call a route; resolves with its answer, rejects with a `Refusal`. Everything but GET has a JSON body. */
export async function call(method, path, body = {}) {
  const headers = { "content-type": "application/json" };
  const sent = method === "GET" ? {} : { headers, body: JSON.stringify(body) };
  return answer(fetch(path, { method, ...sent }));
}

/** Upload a file; resolves with what the server calls it. */
export function upload(body, mediaType, filename) {
  const headers = { "content-type": mediaType, "x-filename": encodeURIComponent(filename.toWellFormed?.() ?? filename) };
  return answer(fetch("/v1/files", { method: "POST", headers, body }));
}

async function answer(fetched) {
  const response = await fetched.catch(() => null);
  if (!response) throw new Refusal(LOST);
  const content = await response.json().catch(() => ({}));
  if (response.ok) return content;
  throw new Refusal({ ...(content.error ?? { ...LOST, retryable: response.status >= 500 }), status: response.status });
}

/** Who this browser is signed in as; null when it is nobody. */
export async function whoAmI() {
  try {
    return await call("GET", "/v1/auth/session");
  } catch (refusal) {
    if (refusal.status === 401 || refusal.status === 403) return null;
    throw refusal;
  }
}
