package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/processor"
)

// The bounds of a password.
const (
	MinPassword = 12  // characters
	MaxPassword = 256 // characters
)

// Cost is the cost of hashing a password, and of guessing one: the parameters of argon2id (RFC
// 9106).
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultCost returns 19 MiB and two passes, the minimum in OWASP's Password Storage Cheat Sheet,
// so that a server with little memory can handle concurrent sign-ins.
func DefaultCost() Cost { return Cost{Memory: 19 << 10, Passes: 2, Threads: 1} }

const (
	saltLength = 16
	hashLength = 32
	// dearestMemory and dearestPasses bound the parameters of a stored hash, which could be
	// manipulated in the database.
	dearestMemory = 1 << 20 // KiB
	dearestPasses = 100
)

// CheckPassword returns an error if a password is too weak for a user. The error has code
// [peal.Invalid] and the field password.
func CheckPassword(name, password string) error {
	switch {
	case !utf8.ValidString(password):
		return peal.Fault("password", message.NotUTF8)
	case utf8.RuneCountInString(password) < MinPassword:
		return peal.Fault("password", message.PasswordTooShort, MinPassword)
	case utf8.RuneCountInString(password) > MaxPassword:
		return peal.Fault("password", message.PasswordTooLong, MaxPassword)
	case strings.EqualFold(password, name):
		return peal.Fault("password", message.PasswordIsName)
	}
	return nil
}

// HashPassword returns the hash of a password in the PHC string format. It waits while too many are
// being computed.
func (i *Identity) HashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLength)
	rand.Read(salt)
	hash, err := i.derive(ctx, netip.Prefix{}, password, salt, i.cost)
	if err != nil {
		return "", err
	}
	c := i.cost
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(hash)), nil
}

// verify reports whether a password matches a stored hash. It takes as long without a hash, so that
// its time does not reveal whether a user exists. Addresses take turns.
func (i *Identity) verify(ctx context.Context, address netip.Addr, stored, password string) (bool, error) {
	if utf8.RuneCountInString(password) > MaxPassword {
		password = "" // never valid, and the time must reveal nothing
	}
	cost, salt, want, ok := parseHash(stored)
	if !ok {
		cost, salt, want = i.cost, make([]byte, saltLength), nil
	}
	got, err := i.derive(ctx, front.Neighbourhood(address), password, salt, cost)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// derive computes argon2id, with bounded concurrency because each computation needs much memory, and
// a processor.
func (i *Identity) derive(ctx context.Context, address netip.Prefix, password string, salt []byte,
	cost Cost) ([]byte, error) {
	if err := i.hashing.take(ctx, address); err != nil {
		return nil, err
	}
	defer i.hashing.release()
	turn := processor.Shared.Turn(processor.Address(address)).Patient() // few are here
	if err := turn.Enter(ctx); err != nil {
		return nil, err
	}
	defer turn.Leave()
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.Memory, cost.Threads, hashLength), nil
}

// parseHash parses a stored hash. ok is false for a hash not written by HashPassword.
func parseHash(stored string) (cost Cost, salt, hash []byte, ok bool) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return Cost{}, nil, nil, false
	}
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.Memory, &cost.Passes, &cost.Threads)
	if err != nil || n != 3 || parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", cost.Memory, cost.Passes, cost.Threads) {
		return Cost{}, nil, nil, false
	}
	if cost.Passes < 1 || cost.Threads < 1 || cost.Memory > dearestMemory || cost.Passes > dearestPasses {
		return Cost{}, nil, nil, false
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil || len(salt) < 8 {
		return Cost{}, nil, nil, false
	}
	hash, err = base64.RawStdEncoding.DecodeString(parts[5])
	return cost, salt, hash, err == nil && len(hash) == hashLength
}
