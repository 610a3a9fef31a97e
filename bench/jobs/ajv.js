import Ajv from 'ajv'
import { people } from './sample.js'

const text = { type: 'string', minLength: 1 }
const schema = {
  type: 'array',
  items: {
    type: 'object',
    required: ['id', 'guid', 'name', 'email', 'tags', 'friends', 'manager'],
    additionalProperties: false,
    properties: {
      id: { type: 'integer', minimum: 0 },
      guid: { type: 'string', pattern: '^[0-9a-f]{32}$' },
      name: text,
      active: { type: 'boolean' },
      balance: { type: 'number', maximum: 5000 },
      age: { type: 'integer', minimum: 21, maximum: 65 },
      email: { type: 'string', pattern: '^[^@ ]+@[^@ ]+$' },
      registered: text,
      location: { type: 'object', required: ['latitude', 'longitude'], properties: { latitude: { type: 'number' } } },
      tags: { type: 'array', items: { enum: ['the', 'quick', 'brown', 'fox', 'dog', 'jugs'] }, uniqueItems: true },
      friends: { type: 'array', items: { type: 'object', properties: { id: { type: 'integer' }, name: text } } },
      about: { ...text, maxLength: 70 },
      manager: { anyOf: [{ type: 'null' }, text] },
    },
  },
}
const validate = new Ajv({ allErrors: true }).compile(schema)

/** All faults of some hundred records, ten times. */
export function job() {
  for (let i = 0; i < 10; i++) validate(people)
  return validate.errors.map(({ instancePath, message }) => `${instancePath} ${message}`).join('\n')
}
