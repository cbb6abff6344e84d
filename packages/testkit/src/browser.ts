export { type BrowserPage, type BrowserPageOptions, withBrowserPage } from './browser-page.js';
export { launchBrowser, whyNoBrowser } from './launch-browser.js';
export { sourceAliases } from './source-aliases.js';
