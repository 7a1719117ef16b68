// Calls operations of the server: the AWS APIs that everybody uses and muster's
// own, signed in the browser. The console has no other way to the server's
// data, so a permission that is missing is missing here, too.
import { flatten, type Outline, parse, parseError } from "./query";
import { type Credentials, escaped, queryString, sign, type Unsigned } from "./sign";

/** One operation's place on the wire. The type parameters exist for the compiler only. */
export interface Operation<In, Out> {
  service: string;
  name: string;
  protocol: string;
  target?: string;
  version?: string;
  method?: string;
  path?: string;
  located?: Record<string, string[]>;
  result?: string;
  output?: Outline;
  types?: [In, Out];
}

/** A refusal by the server, or its absence (code Unreachable). */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
    readonly operation: string,
  ) {
    super(message);
  }
}

/** Signs with whatever credentials are current when a call goes out. */
export interface Client {
  readonly region: string;
  call<In, Out>(op: Operation<In, Out>, input: In, signal?: AbortSignal): Promise<Out>;
  /** The same caller in another Region. */
  in(region: string): Client;
}

/** A call goes out at once where the credentials are at hand, without a turn of the event loop. */
export function client(credentials: () => Credentials | Promise<Credentials>, region: string): Client {
  return {
    region,
    in: (other) => client(credentials, other),
    call: async (op, input, signal) => {
      const c = credentials();
      return call(op, input, c instanceof Promise ? await c : c, region, signal);
    },
  };
}

const attempts = 4;

async function call<In, Out>(op: Operation<In, Out>, input: In, c: Credentials, region: string, signal?: AbortSignal): Promise<Out> {
  const request = serialize(op, input as Record<string, unknown>);
  for (let attempt = 1; ; attempt++) {
    const reply = await send(request, op, c, region, signal);
    if (reply.status === 429 && attempt < attempts) {
      const seconds = Number(reply.headers.get("Retry-After")) || 2 ** attempt / 4;
      await new Promise((done) => setTimeout(done, Math.min(seconds, 10) * 1000));
      continue;
    }
    return answer(op, reply);
  }
}

async function send<In, Out>(r: Unsigned, op: Operation<In, Out>, c: Credentials, region: string, signal?: AbortSignal): Promise<Response> {
  const query = r.query.length ? "?" + queryString(r.query) : "";
  try {
    return await fetch(r.path + query, {
      method: r.method,
      headers: sign(r, location.host, op.service, region, c, new Date()),
      body: r.method === "GET" ? undefined : r.body,
      signal,
    });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new ApiError("Unreachable", e instanceof Error ? e.message : String(e), 0, op.name);
  }
}

/** Puts an input on the wire; exported for its tests. */
export function serialize<In, Out>(op: Operation<In, Out>, input: Record<string, unknown>): Unsigned {
  const r: Unsigned = { method: "POST", path: "/", query: [], headers: {}, body: "" };
  switch (op.protocol) {
    case "json":
      r.headers = { "content-type": `application/x-amz-json-${op.version}`, "x-amz-target": op.target! };
      r.body = JSON.stringify(input);
      return r;
    case "query":
      r.headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
      r.body = queryString([["Action", op.name], ["Version", op.version!], ...flatten(input)]);
      return r;
    default:
      return rest(op, input, r);
  }
}

function rest<In, Out>(op: Operation<In, Out>, input: Record<string, unknown>, r: Unsigned): Unsigned {
  r.method = op.method!;
  r.path = op.path!;
  const body: Record<string, unknown> = {};
  for (const [member, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const [where, name] = op.located?.[member] ?? [];
    if (where === "uri") r.path = r.path.replace(`{${name}}`, escaped(String(value)));
    else if (where === "querystring") for (const v of [value].flat()) r.query.push([name, String(v)]);
    else body[member] = value;
  }
  if (r.method !== "GET") {
    r.headers = { "content-type": "application/json" };
    r.body = JSON.stringify(body);
  }
  return r;
}

async function answer<In, Out>(op: Operation<In, Out>, reply: Response): Promise<Out> {
  const text = await reply.text();
  if (!reply.ok) throw refusal(op, reply, text);
  if (op.protocol === "query") return parse(text, op.result, op.output) as Out;
  return (text ? JSON.parse(text) : {}) as Out;
}

function refusal<In, Out>(op: Operation<In, Out>, reply: Response, text: string): ApiError {
  if (op.protocol === "query") {
    const { code, message } = parseError(text);
    return new ApiError(code ?? String(reply.status), message ?? text, reply.status, op.name);
  }
  let body: Record<string, string> = {};
  try {
    body = JSON.parse(text);
  } catch {
    // What stands between may answer with a page of its own.
    body = { message: text.slice(0, 500) };
  }
  const code = reply.headers.get("x-amzn-ErrorType") ?? body.__type ?? String(reply.status);
  return new ApiError(code.replace(/^.*#|:.*$/g, ""), body.message ?? body.Message ?? code, reply.status, op.name);
}
