// Scenarios of the official JavaScript SDKs. Every client asks an endpoint of every protocol.
import { createRequire } from 'node:module';

const require = createRequire(process.env.JS_ROOT + '/');
const anthropic = require('@anthropic-ai/sdk');
const openai = require('openai');
const { BASE_URL, CALLER_KEY } = process.env;
const A = new (anthropic.default ?? anthropic)({ baseURL: BASE_URL, apiKey: CALLER_KEY, maxRetries: 0, timeout: 30000 });
const O = new (openai.default ?? openai)({ baseURL: BASE_URL + '/v1', apiKey: CALLER_KEY, maxRetries: 0, timeout: 30000 });
const MODELS = ['to-messages', 'to-chat', 'to-responses', 'to-openai'];
const TEXT = 'Grüße, 日本 👋 — line one\nline "two".';
const CALLS = [['get_weather', { city: 'Oslo "Ø"\n' }], ['get_weather', { city: 'Paris' }]];
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

const scenarios = [];
const scenario = (name, run, models = MODELS) => models.forEach((model) => scenarios.push([name, model, run]));
const same = (got, wanted, what) => {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(`${what}: got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
};
const user = (content) => [{ role: 'user', content }];
const said = (message) => message.content.filter((block) => block.type === 'text').map((block) => block.text).join('');

scenario('messages_text', async (model) => {
  const { data, request_id } = await A.messages.create({ model, max_tokens: 50, messages: user('script:text') }).withResponse();
  same([said(data), data.stop_reason, data.usage.input_tokens], [TEXT, 'end_turn', 11], 'message');
  if (model !== 'to-messages') return;
  same(request_id, 'req_up', 'request id');
});

scenario('messages_stream', async (model) => {
  const message = await A.messages.stream({ model, max_tokens: 50, messages: user('script:text') }).finalMessage();
  same([said(message), message.usage.output_tokens > 1], [TEXT, true], 'message');
});

scenario('messages_tools', async (model) => {
  const tools = [{ name: 'get_weather', input_schema: SCHEMA }];
  const messages = user('script:tools');
  for (const turn of [0, 1]) {
    const message = await A.messages.stream({ model, max_tokens: 500, tools, messages }).finalMessage();
    const uses = message.content.filter((block) => block.type === 'tool_use');
    same(uses.map((use) => [use.name, use.input]), turn === 0 ? CALLS : [], `calls of turn ${turn}`);
    messages.push({ role: 'assistant', content: message.content });
    messages.push({ role: 'user', content: uses.map((use) => ({ type: 'tool_result', tool_use_id: use.id, content: '21 °C' })) });
    if (turn === 1) same(said(message), 'It is 21 °C.', 'text');
  }
});

scenario('messages_errors', async (model) => {
  for (const [status, kind] of [[400, 'invalid_request_error'], [429, 'rate_limit_error'], [529, 'overloaded_error']]) {
    let error = null;
    await A.messages.create({ model, max_tokens: 5, messages: user(`script:error-${status}`) }).catch((caught) => { error = caught; });
    same([error?.status, error?.error?.error?.type], [status, kind], 'error');
  }
});

scenario('chat_text', async (model) => {
  const completion = await O.chat.completions.create({ model, messages: user('script:text') });
  same([completion.choices[0].message.content, completion.usage.prompt_tokens], [TEXT, 11], 'completion');
});

scenario('chat_tools', async (model) => {
  const tools = [{ type: 'function', function: { name: 'get_weather', parameters: SCHEMA } }];
  const messages = user('script:tools');
  for (const turn of [0, 1]) {
    const completion = await O.chat.completions.stream({ model, messages, tools }).finalChatCompletion();
    const { message } = completion.choices[0];
    const calls = message.tool_calls ?? [];
    same(calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]), turn === 0 ? CALLS : [], `calls of turn ${turn}`);
    messages.push({ role: 'assistant', content: message.content, tool_calls: calls.map(({ id, function: { name, arguments: json } }) => ({ id, type: 'function', function: { name, arguments: json } })) });
    messages.push(...calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: '21 °C' })));
    if (turn === 1) same(message.content, 'It is 21 °C.', 'text');
  }
});

scenario('responses_stream', async (model) => {
  let text = '';
  let last = null;
  for await (const event of await O.responses.create({ model, input: 'script:text', stream: true })) {
    if (event.type === 'response.output_text.delta') text += event.delta;
    last = event;
  }
  same([text, last.type, last.response.usage.input_tokens], [TEXT, 'response.completed', 11], 'stream');
});

scenario('responses_tools', async (model) => {
  const tools = [{ type: 'function', name: 'get_weather', parameters: SCHEMA, strict: false }];
  let items = user('script:tools');
  for (const turn of [0, 1]) {
    const response = await O.responses.create({ model, input: items, tools, store: false });
    const calls = response.output.filter((item) => item.type === 'function_call');
    same(calls.map((call) => [call.name, JSON.parse(call.arguments)]), turn === 0 ? CALLS : [], `calls of turn ${turn}`);
    items = [...items, ...response.output, ...calls.map((call) => ({ type: 'function_call_output', call_id: call.call_id, output: '21 °C' }))];
    if (turn === 1) same(response.output_text, 'It is 21 °C.', 'text');
  }
});

scenario('abort', async (model) => {
  const stream = await A.messages.create({ model, max_tokens: 50, stream: true, messages: user('script:text') });
  let events = 0;
  for await (const event of stream) {
    events += event ? 1 : 0;
    stream.controller.abort();
    break;
  }
  same(events, 1, 'events before it left');
  same(said(await A.messages.create({ model, max_tokens: 50, messages: user('script:text') })), TEXT, 'the next request');
});

let failed = 0;
for (const [name, model, run] of scenarios) {
  try {
    await run(model);
    console.log(`PASS  node    ${name} ${model}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  node    ${name} ${model}: ${String(error.message).slice(0, 300)}`);
    if (process.env.VERBOSE) console.log(error.stack);
  }
}
console.log(`node: ${scenarios.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
