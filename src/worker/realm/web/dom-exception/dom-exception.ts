import { construct, ErrorOf, setPrototypeOf } from '../captured.ts'
import { defineConstant, defineInterface, toDOMString } from '../idl.ts'
import { DOMExceptionSlots } from './slots.ts'

/** The legacy codes: index + 1 is the code, empty where the standard dropped the name. https://webidl.spec.whatwg.org/#idl-DOMException */
const NAMES = [
  ['IndexSizeError', 'INDEX_SIZE_ERR'],
  ['', 'DOMSTRING_SIZE_ERR'],
  ['HierarchyRequestError', 'HIERARCHY_REQUEST_ERR'],
  ['WrongDocumentError', 'WRONG_DOCUMENT_ERR'],
  ['InvalidCharacterError', 'INVALID_CHARACTER_ERR'],
  ['', 'NO_DATA_ALLOWED_ERR'],
  ['NoModificationAllowedError', 'NO_MODIFICATION_ALLOWED_ERR'],
  ['NotFoundError', 'NOT_FOUND_ERR'],
  ['NotSupportedError', 'NOT_SUPPORTED_ERR'],
  ['InUseAttributeError', 'INUSE_ATTRIBUTE_ERR'],
  ['InvalidStateError', 'INVALID_STATE_ERR'],
  ['SyntaxError', 'SYNTAX_ERR'],
  ['InvalidModificationError', 'INVALID_MODIFICATION_ERR'],
  ['NamespaceError', 'NAMESPACE_ERR'],
  ['InvalidAccessError', 'INVALID_ACCESS_ERR'],
  ['', 'VALIDATION_ERR'],
  ['TypeMismatchError', 'TYPE_MISMATCH_ERR'],
  ['SecurityError', 'SECURITY_ERR'],
  ['NetworkError', 'NETWORK_ERR'],
  ['AbortError', 'ABORT_ERR'],
  ['URLMismatchError', 'URL_MISMATCH_ERR'],
  ['QuotaExceededError', 'QUOTA_EXCEEDED_ERR'],
  ['TimeoutError', 'TIMEOUT_ERR'],
  ['InvalidNodeTypeError', 'INVALID_NODE_TYPE_ERR'],
  ['DataCloneError', 'DATA_CLONE_ERR'],
] as const

export class DOMException {
  constructor(message: unknown = '', name: unknown = 'Error') {
    const text = toDOMString(message)
    const error = construct(ErrorOf, [], new.target) as DOMException
    void new DOMExceptionSlots(error, text, toDOMString(name))
    // oxlint-disable-next-line no-constructor-return -- only Error makes native errors
    return error
  }

  get name(): string {
    return DOMExceptionSlots.of(this).name
  }

  get message(): string {
    return DOMExceptionSlots.of(this).message
  }

  get code(): number {
    const { name } = DOMExceptionSlots.of(this)
    if (name !== '') for (let i = 0; i < NAMES.length; i++) if (NAMES[i]?.[0] === name) return i + 1
    return 0
  }
}

setPrototypeOf(DOMException.prototype, ErrorOf.prototype)
defineInterface(DOMException, 'DOMException')
for (let i = 0; i < NAMES.length; i++) defineConstant(DOMException, NAMES[i]?.[1] as string, i + 1)
