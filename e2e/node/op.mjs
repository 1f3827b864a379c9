// An OpenID provider that others wrote, for the sign-in tests of package auth.
// The first line of stdin is its configuration; it prints its issuer when it
// answers, and ends when stdin does.
//
//   node op.mjs PORT      (0 for any free port of 127.0.0.1)
//   {"claims": {"sub": …}, "redirect": "…", "logout": "…", "jwks": {…}, "secret": "…"}
//
// Whoever comes is signed in as claims.sub, with the acr that was asked for.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'

const lines = createInterface({ input: process.stdin })
const [line] = await once(lines, 'line')
lines.on('close', () => process.exit(0))
const config = JSON.parse(line)

const signingKey = async (alg) => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), alg, use: 'sig' }
}

const server = createServer()
server.listen(Number(process.argv[2]), '127.0.0.1')
await once(server, 'listening')
const issuer = `http://127.0.0.1:${server.address().port}`

const client = {
  redirect_uris: [config.redirect],
  post_logout_redirect_uris: [config.logout],
  grant_types: ['authorization_code'],
  response_types: ['code'],
}

const provider = new Provider(issuer, {
  clients: [
    {
      ...client,
      client_id: 'with-key',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
      jwks: config.jwks,
    },
    { ...client, client_id: 'with-secret', client_secret: config.secret, token_endpoint_auth_method: 'client_secret_basic' },
  ],
  jwks: { keys: [await signingKey('ES256'), await signingKey('RS256')] },
  cookies: { keys: ['only for tests'] },
  acrValues: ['high'],
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['name', 'birthdate', 'gender', 'individual_id'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => (sub === config.claims.sub ? { accountId: sub, claims: () => config.claims } : undefined),
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
    grant.addOIDCScope('openid profile')
    await grant.save()
    return grant
  },
})

const signIn = async (req, res) => {
  const { params } = await provider.interactionDetails(req, res)
  await provider.interactionFinished(req, res, { login: { accountId: config.claims.sub, acr: params.acr_values?.split(' ')[0] } })
}

const answer = provider.callback()
server.on('request', (req, res) => {
  if (!req.url.startsWith('/interaction/')) return answer(req, res)
  signIn(req, res).catch((error) => res.writeHead(500).end(String(error)))
})
console.log(issuer)
