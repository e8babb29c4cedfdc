package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// ContractStream names the contract of a pair (R2): the same pair has the same
// name on every node, and no other pair has it. Both IDs are taken as they are,
// digit by digit; the caller has dropped spaces and hyphens (R1).
func (k *Keys) ContractStream(accessID, contractID string) uuid.UUID {
	m := k.macs.contract.begin()
	m.text(accessID)
	m.text(contractID)
	return newUUID(m.end())
}

// Account is the pseudonym of a sign-in, the (iss, sub) of its token, and the
// person whose key seals what the account writes.
func (k *Keys) Account(iss, sub string) uuid.UUID {
	m := k.macs.account.begin()
	m.text(iss)
	m.text(sub)
	return newUUID(m.end())
}

// Contact is the person behind an e-mail address, in whatever case and with
// whatever space around it.
func (k *Keys) Contact(email string) uuid.UUID {
	m := k.macs.contact.begin()
	m.text(strings.ToLower(strings.TrimSpace(email)))
	return newUUID(m.end())
}

// Command is the id of the command that an account gives by an Idempotency-Key:
// the same again for a repeat, another for any other account, call, target or key.
func (k *Keys) Command(account uuid.UUID, call, target, key string) uuid.UUID {
	m := k.macs.command.begin()
	m.raw(account[:])
	m.text(call)
	m.text(target)
	m.text(key)
	return newUUID(m.end())
}

// Derive is the value that a command generates for a purpose; a repeat of the
// command finds the same one.
func (k *Keys) Derive(command uuid.UUID, purpose string) uuid.UUID {
	m := k.macs.derive.begin()
	m.raw(command[:])
	m.text(purpose)
	return newUUID(m.end())
}

// Fingerprint is the keyed digest of a request's body: equal for equal bodies,
// and without the naming key no help in guessing what the body said (R3).
func (k *Keys) Fingerprint(body []byte) [16]byte {
	m := k.macs.request.begin()
	m.hash.Write(body)
	sum := m.end()
	return [16]byte(sum[:16])
}

// Digest is the keyed digest of data for failure records (R8), 32 hexadecimal
// digits: equal data has equal digests within a purpose, and not across two.
func (k *Keys) Digest(purpose, data string) string {
	m := k.macs.digest.begin()
	m.text(purpose)
	m.text(data)
	sum := m.end()
	return hex.EncodeToString(sum[:16])
}

// Installation names the installation to whoever listens to it: the same on every
// node and for ever, and no other installation has it.
func (k *Keys) Installation() uuid.UUID {
	return newUUID([sha256.Size]byte(subkey(k.naming, "installation")))
}

// newUUID makes a UUID of version 8 (RFC 9562, section 5.8) from a digest.
func newUUID(sum [sha256.Size]byte) uuid.UUID {
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// macs has one keyed hash for each purpose, each under a key of its own, so that
// what is derived for one purpose is never met again in another. The names of
// the purposes are part of every installation's data: they never change.
type macs struct {
	contract, account, contact, command, derive, pair, request, digest *macPool
}

func newMACs(naming []byte) macs {
	return macs{
		contract: newMACPool(naming, "contract stream"),
		account:  newMACPool(naming, "account"),
		contact:  newMACPool(naming, "contact"),
		command:  newMACPool(naming, "command"),
		derive:   newMACPool(naming, "derive"),
		pair:     newMACPool(naming, "pair"),
		request:  newMACPool(naming, "request fingerprint"),
		digest:   newMACPool(naming, "digest"),
	}
}

// subkey is the key for one purpose.
func subkey(naming []byte, purpose string) []byte {
	h := hmac.New(sha256.New, naming)
	io.WriteString(h, "supportledger/1 "+purpose)
	return h.Sum(nil)
}

// macPool reuses keyed hashes: setting one up costs more than using it.
type macPool struct {
	free sync.Pool
}

func newMACPool(naming []byte, purpose string) *macPool {
	key := subkey(naming, purpose)
	p := &macPool{}
	p.free.New = func() any {
		return &mac{pool: p, hash: hmac.New(sha256.New, key)}
	}
	return p
}

func (p *macPool) begin() *mac { return p.free.Get().(*mac) }

type mac struct {
	pool   *macPool
	hash   hash.Hash
	fields []byte
	sum    [sha256.Size]byte
}

// text adds a field with its length before it, so that no two lists of fields
// read alike.
func (m *mac) text(s string) {
	m.fields = binary.AppendUvarint(m.fields, uint64(len(s)))
	m.fields = append(m.fields, s...)
}

// raw adds a field whose length its place implies.
func (m *mac) raw(b []byte) { m.fields = append(m.fields, b...) }

// end returns the digest and gives the hash back; m is not used after it.
func (m *mac) end() [sha256.Size]byte {
	m.hash.Write(m.fields)
	m.hash.Sum(m.sum[:0])
	sum := m.sum
	m.hash.Reset()
	clear(m.fields)
	m.fields = m.fields[:0]
	m.pool.free.Put(m)
	return sum
}
