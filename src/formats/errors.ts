/**
 * The public table of failure codes, each with one hint: what a person does next.
 * Codes are stable: never renamed, never reused. docs/errors.md is generated from this table.
 */
export const HINTS = {
  // Encodings
  FORMAT_TEXT: "The text is not in the encoding the format asks for. Fetch or make the file again.",
  FORMAT_JSON: "The file is not the JSON that was expected. Fetch or make it again.",
  FORMAT_DER: "The bytes are not valid DER. Fetch or make the file again.",
  FORMAT_PEM: "The file is not PEM of the kind expected here. Check which file was given.",
  FORMAT_SIZE: "The input is larger than any honest one. Check where it came from.",
  FORMAT_TOML: "Correct the TOML at the place named.",

  // Bundles, envelopes and attestations
  BUNDLE_FORMAT: "The bundle does not follow the Sigstore bundle format. Sign the file again.",
  BUNDLE_VERSION:
    "This bundle version is not supported: 0.1, 0.2 and 0.3 are. Update wheelseal, or sign again.",
  BUNDLE_MATERIAL:
    "The bundle's certificate or key is missing or not allowed there. Sign the file again.",
  DSSE_FORMAT:
    "The envelope is not a DSSE envelope with exactly one signature. Sign the file again.",
  DSSE_PAYLOAD_TYPE: "Only in-toto statements (application/vnd.in-toto+json) are accepted.",
  STATEMENT_FORMAT: "The payload is not an in-toto statement v1. Make the attestation again.",
  STATEMENT_SUBJECT:
    "The statement is about another file. Use the attestation that belongs to this file.",
  STATEMENT_PREDICATE:
    "The predicate type is not one that is accepted here. Check which attestation was given.",
  ATTESTATION_FORMAT: "The attestation does not follow PEP 740. Make it again.",
  ATTESTATION_EMPTY:
    "No attestation was given, so nothing is proven. Ask the publisher for attestations.",
  ATTESTATION_CLAIMS:
    "The attestation claims something its certificate does not. Treat it as forged, and tell the publisher.",
  SUMMARY_FAILED:
    "The verifier that signed the summary refused the file. Do not use it; verify the file itself to see why.",
  DETACHED_FORMAT: "The .sig or .crt file is not in cosign's format. Fetch or make it again.",
  DETACHED_MISMATCH:
    "The .sig or .crt file is not the one in the bundle. Fetch the evidence again; if it stays, do not use the file.",
  EVIDENCE_MISSING:
    "There is no signature, bundle or attestation beside the file. Sign it, or fetch its evidence.",

  // Signatures
  SIGNATURE_INVALID:
    "The file or its signature was changed after signing. Fetch both again; if it stays, do not use the file.",
  SIGNATURE_DIGEST:
    "The file is not the one that was signed. Fetch it again; if it stays, do not use it.",
  SIGNATURE_ALGORITHM: "The key or digest algorithm is not supported. Sign again with ECDSA P-256.",
  KEY_FORMAT: "The public key is not a PEM or DER SubjectPublicKeyInfo of a supported kind.",
  KEY_MISSING: "The bundle was signed with a managed key. Give it with --key.",
  KEY_MISMATCH:
    "The bundle names another key, or has a certificate where a key was given. Check --key.",

  // Certificates
  CERT_FORMAT: "The certificate cannot be parsed. Fetch or make the file again.",
  CERT_CHAIN: "The certificate was not issued by a trusted authority. Check the trust root in use.",
  CERT_TIME:
    "The certificate, or one above it, was not valid when the signature was made. Sign again.",
  CERT_USAGE:
    "The certificate may not sign code (its usages do not say so). It is not a signing certificate.",
  CERT_EXTENSION:
    "The certificate has a critical extension that is not understood. Update wheelseal.",
  CERT_SAN: "The certificate must name exactly one identity. It does not.",
  SCT_MISSING:
    "The certificate carries no proof that it was logged (SCT). Check the certificate authority.",
  SCT_UNKNOWN_LOG:
    "The SCT comes from a certificate log that the trust root does not know. Check the trust root in use.",
  SCT_INVALID: "The SCT does not belong to this certificate. Treat the certificate as forged.",

  // Transparency log
  TLOG_MISSING: "There is no transparency log entry. Sign again with a log.",
  TLOG_ENTRY_FORMAT: "The log entry cannot be parsed. Sign the file again.",
  TLOG_KIND:
    "The log entry's kind or version is not supported, or not the one that it says. Sign again.",
  TLOG_BODY:
    "The log entry is about another signature, certificate or file. Treat the bundle as forged.",
  TLOG_UNKNOWN_LOG:
    "The entry comes from a log that the trust root does not know. Check the trust root in use.",
  TLOG_SET_MISSING:
    "The entry has no promise (SET) of the log, and nothing else stands for it. Sign again.",
  TLOG_SET: "The log's promise (SET) does not cover this entry. Treat the bundle as forged.",
  TLOG_INCLUSION: "The entry is not in the log's tree. Sign again, or check the trust root in use.",
  TLOG_INCLUSION_MISSING: "The entry has no inclusion proof. Sign or fetch the bundle again.",
  TLOG_CHECKPOINT:
    "The checkpoint is malformed or not signed by the log. Sign again, or check the trust root.",
  TLOG_CHECKPOINT_ROOT:
    "The inclusion proof and the checkpoint speak of different trees. Treat the bundle as forged.",
  TLOG_CONSISTENCY:
    "The log rewrote its history between two checkpoints. Stop, keep both, and tell its operator.",
  TLOG_TIME: "The log's time does not fit certificate, key or now. Check the clock; or sign again.",
  TLOG_WITNESSES:
    "Fewer witnesses than demanded vouch for the checkpoint. Wait for them, or check their keys.",
  TLOG_THRESHOLD:
    "Fewer distinct log entries verified than the policy asks for. Sign with more logs.",

  // Timestamps
  TIME_MISSING:
    "Nothing trusted says when the signature was made. Sign again with a log or a timestamp authority.",
  TIME_TOKEN: "The timestamp token cannot be parsed. Sign again.",
  TIME_STATUS: "The timestamp authority did not grant the request. Sign again.",
  TIME_IMPRINT: "The timestamp is over another signature. Treat the bundle as forged.",
  TIME_SIGNATURE: "The timestamp's own signature is not good. Treat the bundle as forged.",
  TIME_AUTHORITY:
    "The timestamp authority is not trusted, or was not at that time. Check the trust root in use.",
  TIME_WINDOW: "A timestamp does not fit the certificate or now. Check the clock; else sign again.",

  // Trust and identity
  TRUST_FORMAT:
    "The trust root cannot be parsed. Export it again, for example with wheelseal trust export.",
  TRUST_EMPTY: "The trust root names no authority or no log. Give another.",
  TRUST_EXPIRED: "The trust root's validity has ended. Check the clock; else refresh the root.",
  TRUST_PIN: "The trust root is not the pinned one. Check the pin, then where the file came from.",
  TUF_ROLLBACK:
    "The mirror offers older metadata than was seen before. Check the mirror; --offline uses what was kept.",
  TUF_INVALID:
    "The mirror's metadata or files are not what its root vouches for. Check the mirror; --offline uses what was kept.",
  IDENTITY_MISMATCH:
    "Somebody else signed this. Compare the identity shown with the one you expect.",
  IDENTITY_ISSUER:
    "The identity was vouched for by another issuer. Check --certificate-oidc-issuer.",
  IDENTITY_MISSING: "Name who should sign it: in the policy, or by --certificate-identity.",
  IDENTITY_CLAIMS:
    "The certificate comes from another project, ref, environment or commit than the policy allows.",
  POLICY_FORMAT: "Correct the policy at the place named.",
  POLICY_WAIVER_EXPIRED:
    "The waiver has expired. Renew it with an owner and a new date, or meet the policy.",

  // Distributions
  DIST_NAME:
    "The file name is not a normalised wheel or sdist name. Rebuild with a current backend; for another file, give its --bundle.",
  DIST_VERSION:
    "The version is not a PEP 440 version, or differs between name and metadata. Rebuild.",
  DIST_METADATA: "The core metadata is missing, malformed or contradicts the file name. Rebuild.",
  DIST_RECORD:
    "RECORD and the wheel's content differ. Rebuild; if it was downloaded, do not install it.",
  DIST_ZIP:
    "The wheel is a zip that two tools may read differently. Rebuild; if downloaded, do not install it.",
  DIST_TAR: "The sdist is a tar that may write outside its folder or be read differently. Rebuild.",
  DIST_PATH: "A member's path is absolute, climbs out, or collides with another. Rebuild.",
  DIST_SIZE: "A member is larger than the limits allow. Raise the limit if this is meant.",
  DIST_SIDECAR:
    "The index's metadata file is not the wheel's METADATA. Do not install from this index.",
  DIST_EMPTY:
    "There is no wheel or sdist to work on. Run wheelseal build first, or check the folder.",
  DIST_CHANGED:
    "The file changed since an earlier stage. Find out what changed it, then build and sign again.",
  REPORT_SHARDS:
    "The results do not make up one whole run. Give the JSON result of every shard of it, once.",

  // Build
  BUILD_PROJECT: "Run in a folder with a pyproject.toml, or name one.",
  BUILD_SOURCE: "The project's files could not be copied. Read what git or the system says.",
  BUILD_PYTHON:
    "Install Python 3.10 or later, or set PYTHON_VERSION or --python to one that is there.",
  BUILD_ENVIRONMENT:
    "The build tools could not be installed. Check the package index in pip's configuration.",
  BUILD_FAILED:
    "The build backend failed; its output is above. Correct the project and build again.",
  BUILD_OUTPUT:
    "The backend did not make one wheel and one sdist of this project. Check its configuration.",
  BUILD_RECORD: "The build record is missing or malformed. Run wheelseal build again.",

  // Sign
  TOKEN_MISSING:
    "No id_token was found. In GitLab add id_tokens: SIGSTORE_ID_TOKEN: aud: sigstore.",
  TOKEN_FORMAT: "The id_token is not a JWT. Check what SIGSTORE_ID_TOKEN holds.",
  TOKEN_EXPIRED: "The id_token is not good now. Check the clock; else get a new one, sign earlier.",
  CLOCK_SKEW: "This machine's clock and another's differ. Set both by NTP, and try again.",
  TOKEN_AUDIENCE: "The id_token is for another audience. Set aud: sigstore.",
  FULCIO_REFUSED:
    "The certificate authority refused the token. Read its message; check issuer, audience and the clocks of both.",
  FULCIO_RESPONSE: "The certificate authority's answer is not usable. Check FULCIO_URL.",
  REKOR_REFUSED: "The transparency log refused the entry. Read its message.",
  REKOR_RESPONSE: "The transparency log's answer is not usable. Check REKOR_URL.",
  TSA_REFUSED: "The timestamp authority refused the request. Read its message.",
  TSA_RESPONSE: "The timestamp authority's answer is not usable. Check TSA_URL.",
  TOKEN_REFUSED:
    "The id_token is not one that this authority trusts. Check its issuer, signature and times.",
  FULCIO_CLAIMS:
    "The id_token lacks a claim that the certificate needs. Check which job it was made for.",
  CSR_FORMAT: "The certificate signing request is malformed or not signed by its own key.",
  TIMESTAMP_REQUEST: "The bytes are no RFC 3161 request. Check what was sent.",
  SIGN_SOURCE:
    "The build was made from another commit than this job's identity names. Build and sign in one pipeline.",
  SIGN_SELF_CHECK:
    "What was just signed does not verify, so nothing was written. Check the trust root in use, and this machine's clock.",

  // Publish and consume
  UPLOAD_REFUSED:
    "The registry refused the upload. Read its message; check name, version and rights.",
  UPLOAD_CONFLICT:
    "The registry already has a file of this name with other content. Release a new version.",
  UPLOAD_READBACK:
    "The registry serves other bytes than were uploaded. Do not announce the release; check the registry.",
  REGISTRY_AUTH:
    "The registry refused the credentials. Check CI_JOB_TOKEN or the token variable in use.",
  REGISTRY_FORBIDDEN:
    "The credentials lack the right to do this. Check the token's scope and the project's settings.",
  REGISTRY_NOT_FOUND:
    "The registry has no such project, package or file, or hides it. Check name, version and rights.",
  REGISTRY_RESPONSE: "The registry's answer is not usable. Check the URL.",
  INDEX_FORMAT: "The index page is not a simple index (PEP 503, PEP 691). Check the index URL.",
  INDEX_DIGEST: "The index names another digest than the file has. Do not install from this index.",
  INDEX_FILE: "The index has no such release, or not the files expected. Check name and version.",
  INDEX_YANKED: "The release was yanked. Choose another version.",
  INSTALL_TARGET: "A link stands where files go. Remove it, or name an empty folder.",
  INSTALL_FAILED: "What verified could not be installed; the installer's output is above.",
  IMPORT_FAILED: "The installed package cannot be imported; its output is above.",

  // Gateway
  GATEWAY_UNOWNED:
    "No upstream of the gateway owns this name. Add it to the owns of exactly one upstream.",
  GATEWAY_REPLACED:
    "The upstream offers another file under a name that it used before. Find out why; release a new version instead.",
  GATEWAY_WITHDRAWN:
    "The upstream lists this file no more. Find out why, and choose another version.",
  GATEWAY_ROLLBACK:
    "The upstream hides a version that was served before. Check the upstream; if the version was retracted, add it to the gateway's retracted.",
  GATEWAY_LATE_FILE:
    "Somebody added a file to a release that was long complete. Ask the publisher; if it is meant, pin its digest in the policy.",
  GATEWAY_RELEASE_DIFFERS:
    "The wheel was not made from the sdist of the same release. Ask the publisher which is right; pin the digest of that one in the policy.",
  GATEWAY_COOLDOWN: "The file is too new for this gateway. Use an earlier version, or wait.",
  GATEWAY_IDENTITY_CHANGED:
    "Another identity signed this than signed the project before. Ask the publisher; if it is meant, name the new one in the policy.",
  GATEWAY_ATTESTATION_LOST:
    "Earlier files of this project were signed, this one is not. Treat it as an upload by somebody else until the publisher explains it.",
  POLICY_PIN:
    "The file's digest is not among those that the policy pins. Compare it with the publisher's, then add it.",

  // Kits
  KIT_FORMAT:
    "The file is not a kit, byte for byte as kits are written. Fetch it again; if it stays, do not use it.",
  KIT_MANIFEST:
    "The kit's list of contents is malformed or of a later version. Update wheelseal, or make the kit again.",
  KIT_PATH:
    "A file in the kit has a place that no kit uses, or one that is taken. Do not use the kit.",
  KIT_DIGEST:
    "A file in the kit is not the one that its list of contents names. Fetch the kit again; if it stays, do not use it.",
  KIT_PIN: "The kit is not the one that was announced. Check the digest, then where it came from.",
  KIT_TRUST:
    "A kit's own trust root proves nothing. Name this site's with --trusted-root, --trust-config or --tuf-mirror, or pin the kit's by --trust-sha256.",
  KIT_POLICY:
    "The kit's policy is not the pinned one, or it has none. Check the pin, or give this site's policy with --policy.",
  KIT_EXPIRED:
    "Ask for a new kit. To use this one all the same, say why with --accept-expired REASON.",
  KIT_TARGET: "Import each kit into a new or empty folder of its own.",

  // Locks
  LOCK_FORMAT:
    "The lock file is not one that can be followed exactly. Make it again with pip lock, or with uv export and hashes.",
  LOCK_UNVERIFIABLE:
    "The lock names a source tree, not a file of an index. Release it to an index, or leave it out of the lock.",
  LOCK_DIGEST:
    "The index has another file of this name than the lock. Find out which is the publisher's before you lock again.",
  LOCK_IDENTITY:
    "Somebody else signed this than the lock states. Ask the publisher; if it is meant, take the old identity out of the lock.",
  LOCK_ATTESTATION_LOST:
    "Other files of this package are signed, or were when it was locked; this one is not. Treat it as an upload by somebody else until the publisher explains it.",
  LOCK_UNATTESTED:
    "Nobody who is expected vouches for the file. Name its signer or pin its digest in the policy (audit --write-policy does), or allow it there, but for a kit.",
  LOCK_NO_FILE:
    "The lock has nothing of the package for this Python. Lock again for it, or take sdists with --allow-sdists.",
  LOCK_STALE: "The lock does not state the identities that verified. Run wheelseal lock on it.",

  // Monitor
  MONITOR_UNKNOWN:
    "One of your identities signed what no record of yours knows. If no job of yours did, treat the identity as stolen.",
  MONITOR_UNREADABLE:
    "The log holds an entry with a certificate of your identity that cannot be read. Look at it by hand.",
  MONITOR_ROLLBACK:
    "The log shows an older state than it showed before. If it stays, keep both checkpoints and tell its operator.",
  MONITOR_STALE:
    "The log has not grown for longer than was allowed. Compare its checkpoint with what others see.",
  MONITOR_GAP:
    "The log does not give out an entry that it signed for. If it stays, tell its operator.",
  MONITOR_ALTERED:
    "The log gives out other entries than those it signed for. Keep what was recorded, and tell its operator.",

  // Environment
  NETWORK_UNREACHABLE:
    "The service could not be reached after retries. Check the URL and the network, then run again.",
  NETWORK_RESPONSE:
    "The service answered with something else than it should. Check the URL, then run again.",
  FILE_UNREADABLE: "The file cannot be read. Check its path and permissions.",
  FILE_UNWRITABLE: "The file cannot be written. Check the folder's permissions and free space.",
  STATE_CORRUPT:
    "The state folder was changed or rolled back. Restore it from a backup, or start a new one.",
  STATE_ROLLED_BACK: "Put the newer folder back, or remove that file if you mean this older one.",
  STATE_LOCKED: "Another process uses this state folder. Stop it first.",
  STATE_UNREACHABLE:
    "The gateway's database does not answer, or refuses the login. Check its address and the password (PGPASSWORD, PGPASSFILE).",
  STATE_PASSWORD: "Others can read it there. Take it out, and set PGPASSWORD or PGPASSFILE.",
  PORT_UNAVAILABLE: "The port cannot be used. Stop what uses it, or choose another with --port.",
  STATE_BUSY: "More work is waiting than the service takes. Try again in a moment.",
  USAGE: "Run wheelseal --help, or wheelseal help COMMAND.",
  CONFIG: "Correct the setting named.",
  INTERNAL: "This is a bug in wheelseal. Please report it with the output of the command.",
} as const satisfies Record<string, string>;

/** A failure code: stable, never renamed; docs/errors.md lists them with what to do about each. */
export type Code = keyof typeof HINTS;
