// A wallet and a verifier made of libraries that Daftar did not write. It reads
// one JSON command on stdin and writes one JSON answer on stdout.
//
//   {"do":"get", "offer", "txCode", "dpop", "copies", "notify"}   fetch credentials
//   {"do":"verify", "credential", "key", "root", "disclose"}      present and verify one
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Openid4vciClient } from '@openid4vc/openid4vci'
import { clientAuthenticationAnonymous } from '@openid4vc/oauth2'
import { setGlobalConfig } from '@openid4vc/utils'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { getListFromStatusListJWT } from '@sd-jwt/jwt-status-list'
import * as jose from 'jose'

const input = JSON.parse(readFileSync(0, 'utf8'))
setGlobalConfig({ allowInsecureUrls: true })

const newKey = async () => {
  const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
  return { public: await jose.exportJWK(publicKey), private: await jose.exportJWK(privateKey) }
}

async function get () {
  const keys = []
  for (let i = 0; i < (input.copies ?? 1); i++) keys.push(await newKey())
  const dpopKey = await newKey()
  const signJwt = async (signer, { header, payload }) => {
    const key = [...keys, dpopKey].find((k) => k.public.x === signer.publicJwk.x)
    const jwt = await new jose.SignJWT(payload).setProtectedHeader({ ...header }).sign(await jose.importJWK(key.private, 'ES256'))
    return { jwt, signerJwk: key.public }
  }
  const client = new Openid4vciClient({
    callbacks: {
      fetch, signJwt,
      hash: (data, alg) => createHash(alg.replace('-', '').toLowerCase()).update(data).digest(),
      generateRandom: (n) => randomBytes(n),
      clientAuthentication: clientAuthenticationAnonymous()
    }
  })
  const credentialOffer = await client.resolveCredentialOffer(input.offer)
  const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
  const { accessTokenResponse, dpop } = await client.retrievePreAuthorizedCodeAccessTokenFromOffer({
    credentialOffer, issuerMetadata, txCode: input.txCode,
    dpop: input.dpop ? { signer: { method: 'jwk', alg: 'ES256', publicJwk: dpopKey.public } } : undefined
  })
  const credentialConfigurationId = credentialOffer.credential_configuration_ids[0]
  const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata })
  const jwt = []
  for (const key of keys) {
    const proof = await client.createCredentialRequestJwtProof({
      issuerMetadata, credentialConfigurationId, nonce, issuedAt: new Date(),
      signer: { method: 'jwk', alg: 'ES256', publicJwk: key.public }
    })
    jwt.push(proof.jwt)
  }
  const { credentialResponse } = await client.retrieveCredentials({
    accessToken: accessTokenResponse.access_token, issuerMetadata, credentialConfigurationId, proofs: { jwt }, dpop
  })
  if (input.notify) {
    await client.sendNotification({
      accessToken: accessTokenResponse.access_token, issuerMetadata, dpop,
      notification: { notificationId: credentialResponse.notification_id, event: input.notify }
    })
  }
  return {
    issuer: credentialOffer.credential_issuer, tokenType: accessTokenResponse.token_type, metadata: issuerMetadata.credentialIssuer,
    credentials: credentialResponse.credentials.map((c, i) => ({ credential: c.credential, key: keys[i].private })),
    notification: credentialResponse.notification_id
  }
}

// chained checks that x5c holds exactly the signer's certificate and that it
// was issued by the root that the verifier trusts.
const chained = (x5c, root) => {
  if (x5c.length !== 1) throw new Error('x5c holds ' + x5c.length + ' certificates')
  const leaf = new X509Certificate(Buffer.from(x5c[0], 'base64'))
  const anchor = new X509Certificate(root)
  if (!leaf.verify(anchor.publicKey) || !leaf.checkIssued(anchor)) throw new Error('the certificate is not from the trusted root')
  if (leaf.verify(leaf.publicKey)) throw new Error('the certificate is self-signed')
  if (leaf.fingerprint256 === anchor.fingerprint256) throw new Error('the root is in the chain')
  return leaf.publicKey
}

const header = (compact) => jose.decodeProtectedHeader(compact.split('~')[0])

const verifySigned = async (publicKey, data, sig) => {
  await jose.compactVerify(data + '.' + sig, publicKey)
  return true
}

async function verify () {
  const issuerKey = chained(header(input.credential).x5c, input.root)
  const holder = await jose.importJWK(input.key, 'ES256')
  let status = 'valid'
  const sdjwt = new SDJwtVcInstance({
    hasher: (data, alg) => createHash(alg.replace('-', '').toLowerCase()).update(data).digest(),
    hashAlg: 'sha-256', saltGenerator: (n) => randomBytes(n).toString('base64url'),
    verifier: (data, sig) => verifySigned(issuerKey, data, sig),
    kbSigner: async (data) => {
      const [h, p] = data.split('.').map((s) => Buffer.from(s, 'base64url'))
      return (await new jose.CompactSign(p).setProtectedHeader(JSON.parse(h)).sign(holder)).split('.')[2]
    },
    kbSignAlg: 'ES256',
    kbVerifier: async (data, sig, payload) => verifySigned(await jose.importJWK(payload.cnf.jwk, 'ES256'), data, sig),
    loadTypeMetadataFormat: true,
    vctFetcher: async (uri) => (await fetch(uri)).json(),
    statusListFetcher: async (uri) => {
      const answer = await fetch(uri, { headers: { Accept: 'application/statuslist+jwt' } })
      if (answer.headers.get('content-type') !== 'application/statuslist+jwt') throw new Error('status list media type')
      const jwt = await answer.text()
      await jose.compactVerify(jwt, chained(header(jwt).x5c, input.root))
      if (jose.decodeJwt(jwt).sub !== uri) throw new Error('the list is another one')
      if (getListFromStatusListJWT(jwt).statusList.length < 100000) throw new Error('the list is too small to hide in')
      return jwt
    },
    statusVerifier: async () => true, // done above, with the key of the list
    statusValidator: async (s) => { if (s !== 0) status = 'revoked' }
  })
  const frame = Object.fromEntries((input.disclose ?? []).map((name) => [name, true]))
  const nonce = randomBytes(16).toString('base64url')
  const presentation = await sdjwt.present(input.credential, frame, {
    kb: { payload: { iat: Math.floor(Date.now() / 1000), aud: 'https://verifier.example', nonce } }
  })
  const result = await sdjwt.verify(presentation, { keyBindingNonce: nonce, requiredClaimKeys: input.disclose ?? [] })
  return { status, header: result.header, claims: result.payload, type: result.typeMetadata?.mergedTypeMetadata ?? null }
}

try {
  const answer = await { get, verify }[input.do]()
  process.stdout.write(JSON.stringify(answer))
} catch (e) {
  process.stderr.write((e.stack ?? String(e)) + '\n' + JSON.stringify(e.response ?? e.errorResponse ?? null) + '\n')
  process.exit(1)
}
