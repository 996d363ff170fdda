// Copy this file into your receiver to verify the webhooks that Peal sends. It needs
// the standard library alone (Go 1.24 or later).
//
// Give the body's bytes as they came, before anything parses them, and every secret
// that may have signed: two while you rotate, otherwise one. An error means: do not
// trust the request, answer 401.

package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tolerance is the largest difference of a signed time from now, in both directions.
const tolerance = 5 * time.Minute

var errSignature = errors.New("no signature fits: another secret signed, or the body is not what was sent")

// VerifyStandard checks the format standard (Standard Webhooks).
func VerifyStandard(header http.Header, body []byte, secrets ...string) error {
	id, err := need(header, "webhook-id")
	if err != nil {
		return err
	}
	timestamp, err := need(header, "webhook-timestamp")
	if err != nil {
		return err
	}
	signatures, err := need(header, "webhook-signature")
	if err != nil {
		return err
	}
	if err := checkTime(timestamp); err != nil {
		return err
	}
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			return errors.New("a secret is not whsec_ and base64")
		}
		mac, err := sign(key, id+"."+timestamp+".", body)
		if err != nil {
			return err
		}
		want := "v1," + base64.StdEncoding.EncodeToString(mac)
		for _, signature := range strings.Fields(signatures) { // several while the sender rotates
			if equal(signature, want) {
				return nil
			}
		}
	}
	return errSignature
}

// VerifyXWebhook checks the format x-webhook.
func VerifyXWebhook(header http.Header, body []byte, secrets ...string) error {
	// The signature does not cover the time: this stops honest mistakes only.
	if timestamp := header.Get("X-Webhook-Timestamp"); timestamp != "" {
		if err := checkTime(timestamp); err != nil {
			return err
		}
	}
	return verifyHex(header, "X-Webhook-Signature", "sha256=", body, secrets)
}

// VerifyVikunja checks the format vikunja.
func VerifyVikunja(header http.Header, body []byte, secrets ...string) error {
	return verifyHex(header, "X-Vikunja-Signature", "", body, secrets)
}

// VerifyGitHub checks the format github.
func VerifyGitHub(header http.Header, body []byte, secrets ...string) error {
	return verifyHex(header, "X-Hub-Signature-256", "sha256=", body, secrets)
}

// VerifyStripe checks the format stripe.
func VerifyStripe(header http.Header, body []byte, secrets ...string) error {
	value, err := need(header, "Stripe-Signature")
	if err != nil {
		return err
	}
	timestamp, signatures := "", []string{}
	for part := range strings.SplitSeq(value, ",") {
		switch name, text, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			timestamp = text
		case "v1":
			signatures = append(signatures, text)
		}
	}
	if err := checkTime(timestamp); err != nil {
		return err
	}
	for _, secret := range secrets {
		mac, err := sign([]byte(secret), timestamp+".", body) // whsec_ belongs to the key here
		if err != nil {
			return err
		}
		for _, signature := range signatures {
			if equal(signature, hex.EncodeToString(mac)) {
				return nil
			}
		}
	}
	return errSignature
}

// verifyHex checks a signature in hexadecimal over the body alone.
func verifyHex(header http.Header, name, prefix string, body []byte, secrets []string) error {
	signature, err := need(header, name)
	if err != nil {
		return err
	}
	for _, secret := range secrets {
		mac, err := sign([]byte(secret), "", body)
		if err != nil {
			return err
		}
		if equal(signature, prefix+hex.EncodeToString(mac)) {
			return nil
		}
	}
	return errSignature
}

func need(header http.Header, name string) (string, error) {
	value := header.Get(name)
	if value == "" {
		return "", fmt.Errorf("the header %s is missing", name)
	}
	return value, nil
}

func checkTime(text string) error {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return errors.New("the timestamp is not a number of unix seconds")
	}
	if age := time.Since(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return errors.New("the timestamp is more than 5 minutes from now")
	}
	return nil
}

// sign returns the HMAC-SHA256. It refuses an empty key, with which anybody could sign.
func sign(key []byte, before string, body []byte) ([]byte, error) {
	if len(key) == 0 {
		return nil, errors.New("a secret is empty")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(before))
	mac.Write(body)
	return mac.Sum(nil), nil
}

// equal takes the same time wherever the texts differ.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
