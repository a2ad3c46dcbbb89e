/** The page's script: the age ticks by the server's clock and the time since, and a PC whose clock is off is told so. */
export const pageScript = `'use strict'
const loadedMs = performance.now()
const serverNowMs = Number(document.body.dataset.serverNow)
const warning = document.getElementById('clock-warning')
if (warning && Math.abs(Date.now() - serverNowMs) > 60000) warning.hidden = false
const age = document.getElementById('age')
const units = [[86400000, '天', 'd'], [3600000, '小时', 'h'], [60000, '分钟', 'min'], [1000, '秒', 's']]
function tick() {
  const ageMs = Number(age.dataset.ageMs) + performance.now() - loadedMs
  const [ms, zh, en] = units.find((unit) => ageMs > unit[0]) || units[3]
  const amount = Math.ceil(ageMs / ms)
  const english = document.createElement('span')
  english.lang = 'en'
  english.textContent = amount + ' ' + en + ' ago'
  age.replaceChildren(amount + ' ' + zh + '前 ', english)
}
if (age && age.dataset.ageMs) {
  tick()
  setInterval(tick, 1000)
}
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return
  const identifier = document.querySelector('input[name=identifier]')
  identifier.focus()
  identifier.select()
})
`

/** The page's style. Four words, four colours: "forged" and "the network is down" never look alike. */
export const pageStyle = `:root { font-family: system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; line-height: 1.5; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; color: #1a1a1a; background: #fff; }
header { display: flex; justify-content: space-between; align-items: baseline; flex-wrap: wrap; }
[lang=en] { color: #555; font-size: .85em; }
form { display: grid; gap: .75rem; }
label { display: grid; }
input, button { font: inherit; padding: .5rem; }
input:focus-visible, button:focus-visible { outline: 3px solid #1f4e8c; }
.verdict, .refused { margin-top: 1.5rem; padding: 1rem; border: 3px solid; border-radius: .25rem; }
.verdict h2 { font-size: 2rem; margin: 0; }
.valid { border-color: #1b7f3b; } .valid h2 { color: #1b7f3b; }
.invalid { border-color: #b3261e; } .invalid h2 { color: #b3261e; }
.not-recognised { border-color: #4a6484; } .not-recognised h2 { color: #4a6484; }
.undetermined { border-color: #b26a00; } .undetermined h2 { color: #8a5200; }
.refused { border-color: #767676; }
.mode { font-weight: bold; font-size: 1.25rem; }
.as-of { border: 2px solid currentColor; padding: 0.25rem 0.75rem; font-weight: bold; }
.warning { background: #fff3cd; border: 1px solid #b26a00; padding: .5rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
caption, th { text-align: left; }
th, td { border-bottom: 1px solid #ddd; padding: .35rem .5rem; vertical-align: top; }
code { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dd { margin: 0; }
`
