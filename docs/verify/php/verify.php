<?php

// Copy this file into your receiver to verify the webhooks that Peal sends. It needs
// PHP 8 alone.
//
// Each function takes the headers with names in lower case
// (array_change_key_case(getallheaders())), the body's bytes as they came
// (file_get_contents('php://input')), and every secret that may have signed: two while
// you rotate, otherwise one. It throws a VerificationException when the request is not
// to be trusted: answer 401.

declare(strict_types=1);

namespace WebhookVerification;

// How far a signed time may be from now, in both directions, in seconds.
const TOLERANCE = 5 * 60;

final class VerificationException extends \Exception
{
}

function verify_standard(array $headers, string $body, string ...$secrets): void
{
    $id = need($headers, 'webhook-id');
    $timestamp = need($headers, 'webhook-timestamp');
    $signatures = explode(' ', need($headers, 'webhook-signature')); // several while the sender rotates
    check_time($timestamp);
    $wants = [];
    foreach ($secrets as $secret) {
        $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
        if ($key === false) {
            throw new VerificationException('a secret is not whsec_ and base64');
        }
        $wants[] = 'v1,' . base64_encode(sign($key, "$id.$timestamp.$body"));
    }
    must_fit($signatures, $wants);
}

function verify_x_webhook(array $headers, string $body, string ...$secrets): void
{
    // The signature does not cover the time: this stops honest mistakes only.
    $timestamp = $headers['x-webhook-timestamp'] ?? '';
    if ($timestamp !== '') {
        check_time($timestamp);
    }
    verify_hex($headers, 'x-webhook-signature', 'sha256=', $body, $secrets);
}

function verify_vikunja(array $headers, string $body, string ...$secrets): void
{
    verify_hex($headers, 'x-vikunja-signature', '', $body, $secrets);
}

function verify_github(array $headers, string $body, string ...$secrets): void
{
    verify_hex($headers, 'x-hub-signature-256', 'sha256=', $body, $secrets);
}

function verify_stripe(array $headers, string $body, string ...$secrets): void
{
    $timestamp = '';
    $signatures = [];
    foreach (explode(',', need($headers, 'stripe-signature')) as $part) {
        [$name, $text] = explode('=', trim($part), 2) + ['', ''];
        if ($name === 't') {
            $timestamp = $text;
        } elseif ($name === 'v1') {
            $signatures[] = $text;
        }
    }
    check_time($timestamp);
    // whsec_ belongs to the key here.
    must_fit($signatures, array_map(fn ($secret) => bin2hex(sign($secret, "$timestamp.$body")), $secrets));
}

// A signature in hexadecimal over the body alone.
function verify_hex(array $headers, string $name, string $prefix, string $body, array $secrets): void
{
    $signature = need($headers, $name);
    must_fit([$signature], array_map(fn ($secret) => $prefix . bin2hex(sign($secret, $body)), $secrets));
}

function need(array $headers, string $name): string
{
    $value = $headers[$name] ?? '';
    if ($value === '') {
        throw new VerificationException("the header $name is missing");
    }
    return $value;
}

function check_time(string $text): void
{
    if (!preg_match('/^[0-9]{1,12}$/D', $text)) {
        throw new VerificationException('the timestamp is no number of unix seconds');
    }
    if (abs(time() - (int) $text) > TOLERANCE) {
        throw new VerificationException('the timestamp is more than 5 minutes from now');
    }
}

// Refuses an empty key, with which anybody can sign.
function sign(string $key, string $content): string
{
    if ($key === '') {
        throw new VerificationException('a secret is empty');
    }
    return hash_hmac('sha256', $content, $key, true);
}

// Takes the same time wherever two texts differ. Never compare them with ==, which
// takes some texts of digits for equal numbers.
function must_fit(array $signatures, array $wants): void
{
    foreach ($wants as $want) {
        foreach ($signatures as $signature) {
            if (hash_equals($want, $signature)) {
                return;
            }
        }
    }
    throw new VerificationException('no signature fits: another secret signed, or the body is not what was sent');
}
