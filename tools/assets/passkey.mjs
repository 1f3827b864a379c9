// Passkeys (WebAuthn): what the browser's authenticator makes or signs goes into
// the form, and the form is sent. Where there is no authenticator the form stays
// hidden, and the page offers its other way.
const form = document.querySelector('form[data-passkey]')
const bytes = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0))
const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
const listed = list => (list || []).map(one => ({ ...one, id: bytes(one.id) }))

const answer = async () => {
  const asked = JSON.parse(form.dataset.options)
  const publicKey = {
    ...asked, challenge: bytes(asked.challenge),
    excludeCredentials: listed(asked.excludeCredentials), allowCredentials: listed(asked.allowCredentials)
  }
  if (asked.user) publicKey.user = { ...asked.user, id: bytes(asked.user.id) }
  const key = await navigator.credentials[form.dataset.passkey]({ publicKey })
  const response = {}
  for (const part of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (key.response[part]) response[part] = text(key.response[part])
  }
  return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, clientExtensionResults: key.getClientExtensionResults(), response })
}

if (form && window.PublicKeyCredential) {
  const failed = form.querySelector('[data-failed]')
  form.hidden = false
  for (const other of document.querySelectorAll('[data-no-passkey]')) other.hidden = true
  form.addEventListener('submit', async event => {
    event.preventDefault()
    failed.hidden = true
    try {
      form.elements.credential.value = await answer()
    } catch {
      failed.hidden = false
      failed.focus()
      return
    }
    form.submit()
  })
}
