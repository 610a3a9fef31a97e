import * as symbols from 'happy-dom/lib/PropertySymbol.js'
import GlobalWindow from 'happy-dom/lib/window/GlobalWindow.js'
import { becomeWindow } from './become-window.ts'
import { refuseToLoad } from './refusals.ts'
import { reportErrors } from './report-errors.ts'

const window = new GlobalWindow({
  url: 'about:blank',
  console,
  settings: {
    enableJavaScriptEvaluation: true,
    suppressInsecureJavaScriptEnvironmentWarning: true,
    disableJavaScriptFileLoading: true,
    navigation: {
      disableMainFrameNavigation: true,
      disableChildFrameNavigation: true,
      disableChildPageNavigation: true,
      disableFallbackToSetURL: true,
    },
    navigator: { userAgent: 'Mozilla/5.0 (Glovebox) AppleWebKit/537.36 (KHTML, like Gecko) HappyDOM' },
  },
})
refuseToLoad(window)
reportErrors(window)
becomeWindow(window)
window.document[symbols.defaultView] = globalThis
// There is nothing that it would load. happy-dom says so when a timer has run, and code that asks before would wait for an event that may be over.
window.document[symbols.readyState] = 'complete'
