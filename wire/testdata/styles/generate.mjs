// Writes cases.json: JSON texts, and how JavaScript and Python write the same
// values. Run it with node (JSON.stringify) and python3 (json.dumps) installed:
//
//	node generate.mjs
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

let seed = 20261121
function random(n) { // a linear congruential generator: the same cases every time
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 4294967296) * n)
}
const pick = (list) => list[random(list.length)]

const units = ['a', 'Z', '0', ' ', '"', '\\', '/', '\b', '\f', '\n', '\r', '\t', '\0', '\x01', '\x1f', '\x7f', '\x80',
  'é', 'ÿ', '世', '\u2028', '\u2029', '\ufffd', '\uffff', '\ud7ff', '\ue000', '😀', '\u{10ffff}', '\ud800', '\udbff',
  '\udc00', '\udfff', '<', '>', '&', "'", '{', '}', '[', ']', ',', ':', '\u202e', '\ufeff']

// A string's text in one of the many ways JSON allows.
function quote(text) {
  let out = '"'
  for (let i = 0; i < text.length; i++) {
    const c = text[i], code = text.charCodeAt(i)
    const hex = code.toString(16).padStart(4, '0')
    const short = { '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\', '/': '\\/' }[c]
    const high = code >= 0xd800 && code < 0xdc00, low = code >= 0xdc00 && code < 0xe000
    const paired = high && text.charCodeAt(i + 1) >= 0xdc00 && text.charCodeAt(i + 1) < 0xe000
    const way = random(4)
    if (paired && way < 2) out += c + text[++i]
    else if (paired) { out += '\\u' + hex + '\\u' + text.charCodeAt(++i).toString(16).toUpperCase() }
    else if (high || low) out += '\\u' + (way ? hex : hex.toUpperCase())
    else if (way === 0) out += '\\u' + hex
    else if (way === 1) out += '\\u' + hex.toUpperCase()
    else if (short && (way === 2 || c !== '/')) out += short
    else if (code < 0x20) out += '\\u' + hex
    else out += c
  }
  return out + '"'
}
const text = () => Array.from({ length: random(9) }, () => pick(units)).join('')
const space = () => pick(['', '', '', ' ', '\n', '\t', '\r\n', '  '])
let names = 0
function value(depth) {
  switch (random(depth > 4 ? 5 : 8)) {
    case 0: return pick(['true', 'false', 'null'])
    case 1: return String(random(2000) - 1000)
    case 2: return pick(['0', '1.5', '-0.25', '12345678901', '9007199254740991'])
    case 3: case 4: return quote(text())
    case 5: return '[' + space() + '\n]'
    case 6: return '[' + Array.from({ length: 1 + random(4) }, () => space() + value(depth + 1) + space()).join(',') + ']'
    default: {
      const members = Array.from({ length: random(5) }, () =>
        space() + quote('k' + names++ + text()) + space() + ':' + space() + value(depth + 1) + space())
      return '{' + members.join(',') + '}'
    }
  }
}

const inputs = ['{}', '[ ]', '""', '" "', ' null ', '{"a" : { } , "b" : [ ] }', '"\\u0041\\/\\u003c"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00\\ud83d"',
  '"\\ud83d\\ud83d\\ude00"', '"\\ud83dx\\ude00"', '"\\uD83D\\u0041"', '"\\\\u0041"', '"\\\\\\"\\\\"', '"\\u007f\\u0080\\u2028\\u2029"',
  '[1,-1,0,"1e5","\\u0000"]', '{"\\u0061":{"\\ud800":"\\udfff"}}', ...units.map((u) => quote(u))]
for (let i = 0; i < 400; i++) inputs.push(space() + value(0) + space())

const python = JSON.parse(execFileSync('python3', ['-c',
  'import json,sys; print(json.dumps([json.dumps(json.loads(s)) for s in json.load(sys.stdin)]))'],
{ input: JSON.stringify(inputs) }))
const cases = inputs.map((input, i) => ({ input, plain: JSON.stringify(JSON.parse(input)), python: python[i] }))
writeFileSync(new URL('cases.json', import.meta.url), '[\n' + cases.map((c) => JSON.stringify(c)).join(',\n') + '\n]\n')
