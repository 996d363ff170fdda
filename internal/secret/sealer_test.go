package secret_test

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pealhq/peal/internal/secret"
)

func keyOf(b byte) (k [secret.KeySize]byte) {
	for i := range k {
		k[i] = b
	}
	return k
}

func sealer(t *testing.T, keys ...[secret.KeySize]byte) *secret.Sealer {
	t.Helper()
	s, err := secret.NewSealer(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedOpensOnlyAsItWas(t *testing.T) {
	s := sealer(t, keyOf(1))
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		bound := rapid.SliceOf(rapid.Byte()).Draw(t, "bound")
		sealed, err := s.Seal(plain, bound)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := s.Open(sealed, bound)
		if err != nil || !bytes.Equal(opened, plain) {
			t.Fatalf("opened %x, %v; want %x", opened, err, plain)
		}
		if len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Fatal("the sealed value shows the plain one")
		}
		if _, err := s.Open(sealed, append(bytes.Clone(bound), 0)); err == nil {
			t.Fatal("opened when bound to something else")
		}
		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		changed := bytes.Clone(sealed)
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if _, err := s.Open(changed, bound); err == nil {
			t.Fatalf("opened with byte %d changed", at)
		}
		if _, err := s.Open(sealed[:at], bound); err == nil {
			t.Fatalf("opened when cut to %d bytes", at)
		}
	})
}

func TestSameSecretSealsDifferently(t *testing.T) {
	s := sealer(t, keyOf(1))
	a, _ := s.Seal([]byte("secret"), nil)
	b, _ := s.Seal([]byte("secret"), nil)
	if bytes.Equal(a, b) {
		t.Error("two sealed values of one secret are equal")
	}
}

func TestKeysTakeOver(t *testing.T) {
	old, rotated := sealer(t, keyOf(1)), sealer(t, keyOf(2), keyOf(1))
	before, _ := old.Seal([]byte("before"), []byte("x"))
	after, _ := rotated.Seal([]byte("after"), []byte("x"))

	for sealed, want := range map[string]string{string(before): "before", string(after): "after"} {
		got, err := rotated.Open([]byte(sealed), []byte("x"))
		if err != nil || string(got) != want {
			t.Errorf("opened %q, %v; want %q", got, err, want)
		}
	}
	_, err := old.Open(after, []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "not among the keys given") {
		t.Errorf("the old key alone: %v", err)
	}
}

func TestUse(t *testing.T) {
	s := sealer(t, keyOf(1))
	before, _ := s.Seal([]byte("before"), nil)
	if !bytes.HasPrefix(before, s.Mark()) {
		t.Error("a value does not begin with the mark")
	}
	if err := s.Use(keyOf(2)); err != nil {
		t.Fatal(err)
	}
	after, _ := s.Seal([]byte("after"), nil)
	if !bytes.HasPrefix(after, s.Mark()) || bytes.HasPrefix(before, s.Mark()) {
		t.Error("the mark is not that of the new key alone")
	}
	for sealed, want := range map[string]string{string(before): "before", string(after): "after"} {
		if got, err := s.Open([]byte(sealed), nil); err != nil || string(got) != want {
			t.Errorf("opened %q, %v; want %q", got, err, want)
		}
	}
	if _, err := sealer(t, keyOf(2)).Open(after, nil); err != nil {
		t.Errorf("the new key alone: %v", err)
	}
	if ids := s.KeyIDs(); len(ids) != 2 || ids[0] != sealer(t, keyOf(2)).KeyIDs()[0] {
		t.Errorf("the keys are %v", ids)
	}
	if err := s.Use(keyOf(0)); err == nil {
		t.Error("a key of zeros is taken")
	}
}

func TestNewSealerRefuses(t *testing.T) {
	for name, keys := range map[string][][secret.KeySize]byte{"no key": nil, "zeros": {keyOf(0)}, "zeros behind": {keyOf(1), keyOf(0)}} {
		if _, err := secret.NewSealer(keys...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s, err := secret.NewSealer(keyOf(1))
	if err != nil {
		f.Fatal(err)
	}
	sealed, _ := s.Seal([]byte("secret"), []byte("x"))
	f.Add(sealed, []byte("y"))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, text, bound []byte) {
		if plain, err := s.Open(text, bound); err == nil && !(string(plain) == "secret" && string(bound) == "x") { // each process of the fuzzer seals it again
			t.Errorf("opened %x as %x", text, plain)
		}
	})
}
