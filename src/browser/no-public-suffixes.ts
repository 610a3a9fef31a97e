/** Cookies of this browser go nowhere: there is nobody from whom they would have to be kept. */
export default { exact: new Set(), wildcard: new Set(), exception: new Set() }
