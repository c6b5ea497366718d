/** An endpoint with the OpenAI API whose answers can be held back, so that tests need not race. */

import { createServer } from "node:http";

/** What it says about a note, by words of the question; the last is for every other note. */
const ANSWERS = [
  {
    about: "Sourdough",
    description: "How to keep a sourdough starter alive, and when it is ready to bake with.",
    callout:
      "A sourdough starter is a culture of wild yeast and lactic acid bacteria in flour and " +
      "water. Fed with bread flour at regular times, it doubles within hours and leavens bread " +
      "without any other yeast.\n\nIn the fridge it slows down, so that a feeding a week is enough.",
  },
  {
    about: "waggle dance",
    description: "How honeybees tell each other where the flowers are.",
    callout: "The angle of the waggle run gives the direction, its length the distance.",
  },
  {
    about: "",
    description: "What the note is about, in one sentence.",
    callout: "It explains the subject in a few words.\n\nAnd adds a second paragraph.",
  },
];

export class Endpoint {
  /** Milliseconds before an answer; asked for each. */
  delay = () => 0;
  /** How many questions came so far. */
  asked = 0;
  #server = createServer((request, response) => void this.#answer(request, response));
  #gate = Promise.resolve();
  #open = () => {};

  /** What it says about notes. */
  answers = ANSWERS;

  /** @returns {Promise<Endpoint>} listening on a free port */
  static async start(answers = ANSWERS) {
    const endpoint = new Endpoint();
    endpoint.answers = answers;
    await new Promise((done) => endpoint.#server.listen(0, "127.0.0.1", () => done(null)));
    return endpoint;
  }

  get baseUrl() {
    const address = this.#server.address();
    if (!address || typeof address === "string") throw new Error("it does not listen");
    return `http://127.0.0.1:${address.port}/v1`;
  }

  /** Keep every answer back from now on, until `release`. */
  hold() {
    this.release();
    this.#gate = new Promise((open) => (this.#open = () => open()));
  }

  release() {
    this.#open();
  }

  stop() {
    this.release();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request, response) {
    let body = "";
    for await (const chunk of request) body += chunk;
    this.asked += 1;
    await this.#gate;
    await new Promise((done) => setTimeout(done, this.delay()));
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(completion(body, this.answers)));
  }
}

/** @type {(body: string, answers: typeof ANSWERS) => object} body: a question, as OpenAI's chat completions have it */
function completion(body, answers) {
  const question = JSON.parse(body || "{}");
  const form = question.response_format?.json_schema?.schema?.properties ?? {};
  const said = answers.find((answer) => body.includes(answer.about));
  const content = Object.fromEntries(Object.entries(form).map(([name, schema]) => [name, valueFor(name, schema, said)]));
  return {
    id: "held",
    object: "chat.completion",
    created: 0,
    model: question.model,
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: JSON.stringify(content) } }],
    usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
  };
}

function valueFor(name, schema, said) {
  if (schema.type === "array") return (schema.items.enum ?? ["another name"]).slice(0, 2);
  if (name.startsWith("callout")) return said.callout;
  return schema.enum?.[0] ?? said.description;
}
