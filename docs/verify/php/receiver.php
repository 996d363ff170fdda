<?php

// A small receiver that verifies every POST: 204 when it is right, 401 and the reason
// when it is not. Run it with
//
//   WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… php -S 127.0.0.1:8000 receiver.php
//
// and WEBHOOK_OLD_SECRET too while a secret is rotated.

declare(strict_types=1);

use WebhookVerification\VerificationException;

require __DIR__ . '/verify.php';

const FORMATS = [
    'standard' => 'WebhookVerification\verify_standard',
    'x-webhook' => 'WebhookVerification\verify_x_webhook',
    'vikunja' => 'WebhookVerification\verify_vikunja',
    'github' => 'WebhookVerification\verify_github',
    'stripe' => 'WebhookVerification\verify_stripe',
];

$format = (string) getenv('WEBHOOK_FORMAT');
$secrets = array_values(array_filter([getenv('WEBHOOK_SECRET'), getenv('WEBHOOK_OLD_SECRET')], fn ($s) => $s !== false && $s !== ''));
$body = file_get_contents('php://input');

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    http_response_code(405);
} elseif (!isset(FORMATS[$format]) || $secrets === []) {
    error_log('set WEBHOOK_FORMAT to one of ' . implode(', ', array_keys(FORMATS)) . ', and WEBHOOK_SECRET');
    http_response_code(500);
} else {
    try {
        (FORMATS[$format])(array_change_key_case(getallheaders()), $body, ...$secrets);
        error_log("verified $format: " . strlen($body) . ' bytes');
        http_response_code(204);
    } catch (VerificationException $e) {
        error_log("refused $format: {$e->getMessage()}");
        http_response_code(401);
        header('Content-Type: text/plain; charset=utf-8');
        echo $e->getMessage();
    }
}
