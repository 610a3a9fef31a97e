export { copyDOMException } from './copy.ts'
export { DOMException } from './dom-exception.ts'
export { QuotaExceededError } from './quota-exceeded-error.ts'
