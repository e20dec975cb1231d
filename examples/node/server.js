// A chat server: POST /chat hands a message to a model and answers with its reply, GET /health
// says which settings the server was given. All of them come from the environment, whoever filled
// it: this file knows neither `.env` nor any vault.
import http from "node:http";

const REQUIRED = ["DATABASE_URL", "OPENAI_API_KEY"];
const OPTIONAL = ["LOG_LEVEL", "MODEL", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "PORT"];
const LEVELS = ["debug", "info", "warn", "error"];
const LONGEST_BODY = 64 * 1024;

function readSettings(env) {
  const settings = {
    apiKey: env.OPENAI_API_KEY,
    baseUrl: env.OPENAI_BASE_URL || "https://api.openai.com/v1",
    databaseUrl: env.DATABASE_URL,
    logLevel: env.LOG_LEVEL || "info",
    model: env.MODEL || "gpt-4o-mini",
    organization: env.OPENAI_ORG_ID,
    port: env.PORT || "3000",
  };
  const problems = [];
  const missing = REQUIRED.filter((name) => !env[name]);
  if (missing.length) problems.push(`missing environment variables: ${missing.join(", ")}`);
  // The messages name a variable and never show it: whatever is wrong with it, it may be a secret.
  if (settings.databaseUrl && !URL.canParse(settings.databaseUrl)) {
    problems.push("DATABASE_URL is not a URL");
  }
  if (!URL.canParse(settings.baseUrl)) problems.push("OPENAI_BASE_URL is not a URL");
  if (!LEVELS.includes(settings.logLevel)) {
    problems.push(`LOG_LEVEL is none of ${LEVELS.join(", ")}`);
  }
  if (!/^\d{1,5}$/.test(settings.port) || Number(settings.port) > 65535) {
    problems.push("PORT is not a port number");
  }
  return { settings, problems };
}

// Standard output is left to the line that says where the server listens.
function log(settings, level, message) {
  if (LEVELS.indexOf(level) >= LEVELS.indexOf(settings.logLevel)) {
    console.error(`${level}: ${message}`);
  }
}

function answer(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

async function readMessage(request) {
  // A page of another origin can post a form to a local port, but not JSON without asking first.
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) return undefined;
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LONGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  try {
    const { message } = JSON.parse(Buffer.concat(chunks).toString());
    return typeof message === "string" && message ? message : undefined;
  } catch {
    return undefined;
  }
}

async function askModel(settings, message) {
  const headers = {
    authorization: `Bearer ${settings.apiKey}`,
    "content-type": "application/json",
  };
  if (settings.organization) headers["openai-organization"] = settings.organization;
  const reply = await fetch(`${settings.baseUrl}/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify({ model: settings.model, messages: [{ role: "user", content: message }] }),
    redirect: "error",
    signal: AbortSignal.timeout(60_000),
  });
  if (!reply.ok) return { error: `the model's service answered ${reply.status}` };
  const text = (await reply.json()).choices?.[0]?.message?.content;
  return typeof text === "string" ? { reply: text } : { error: "the model gave no text" };
}

async function chat(settings, request, response) {
  const message = await readMessage(request);
  if (message === undefined) {
    answer(response, 400, { error: 'expected at most 64 KiB of JSON: {"message": "hello"}' });
    return;
  }
  // What fetch throws is not passed on: for a malformed header it quotes the header, key and all.
  const result = await askModel(settings, message).catch((error) => ({
    error: `the model's service could not be reached (${error.cause?.code ?? error.name})`,
  }));
  if (result.error) log(settings, "warn", result.error);
  answer(response, result.error ? 502 : 200, result);
}

function health(response) {
  const names = [...REQUIRED, ...OPTIONAL].sort();
  const variables = Object.fromEntries(names.map((name) => [name, Boolean(process.env[name])]));
  answer(response, 200, { status: "ok", variables });
}

function createServer(settings) {
  return http.createServer((request, response) => {
    const route = `${request.method} ${request.url}`;
    log(settings, "debug", route);
    if (route === "GET /health") {
      health(response);
    } else if (route === "POST /chat") {
      // Only a client that hung up midway gets here: there is nobody left to answer.
      chat(settings, request, response).catch(() => response.destroy());
    } else {
      answer(response, 404, { error: "try GET /health or POST /chat" });
    }
  });
}

function stopOnSignal(settings, server) {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      log(settings, "info", `${signal}: closing`);
      server.close(() => process.exit(0));
      // Open requests get a moment to end; a keep-alive connection must not hold the server up.
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 5_000).unref();
    });
  }
}

function main() {
  const { settings, problems } = readSettings(process.env);
  if (problems.length) {
    for (const problem of problems) console.error(`server: error: ${problem}`);
    console.error("server: hint: secretfile.yaml declares them: endow run -- npm run dev");
    process.exitCode = 1;
    return;
  }
  const server = createServer(settings);
  stopOnSignal(settings, server);
  server.on("error", (error) => {
    console.error(`server: error: cannot listen on port ${settings.port} (${error.code})`);
    process.exitCode = 1;
  });
  server.listen(Number(settings.port), "127.0.0.1", () => {
    const databaseHost = new URL(settings.databaseUrl).hostname;
    log(settings, "debug", `model ${settings.model}, database on ${databaseHost}`);
    console.log(`listening on http://127.0.0.1:${server.address().port}`);
  });
}

main();
