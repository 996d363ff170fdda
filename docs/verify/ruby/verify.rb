# Copy this file into your receiver to verify the webhooks that Peal sends. It needs
# the standard library alone (Ruby 2.7 or later).
#
# Each method takes the headers as a Hash with names in lower case, the body's bytes as
# they came (request.body.read in Rack), before anything parses them, and every secret
# that may have signed: two while you rotate, otherwise one. It raises
# Verify::Error when the request is not to be trusted: answer 401.

require "openssl"

module Verify
  # How far a signed time may be from now, in both directions, in seconds.
  TOLERANCE = 5 * 60

  class Error < StandardError; end

  module_function

  def standard(headers, body, *secrets)
    id = need(headers, "webhook-id")
    timestamp = need(headers, "webhook-timestamp")
    signatures = need(headers, "webhook-signature").split # several while the sender rotates
    check_time(timestamp)
    wants = secrets.map do |secret|
      "v1,#{[sign(standard_key(secret), "#{id}.#{timestamp}.", body)].pack("m0")}"
    end
    fit!(signatures, wants)
  end

  def x_webhook(headers, body, *secrets)
    # The signature does not cover the time: this stops honest mistakes only.
    timestamp = headers["x-webhook-timestamp"].to_s
    check_time(timestamp) unless timestamp.empty?
    hexadecimal(headers, "x-webhook-signature", "sha256=", body, secrets)
  end

  def vikunja(headers, body, *secrets)
    hexadecimal(headers, "x-vikunja-signature", "", body, secrets)
  end

  def github(headers, body, *secrets)
    hexadecimal(headers, "x-hub-signature-256", "sha256=", body, secrets)
  end

  def stripe(headers, body, *secrets)
    parts = need(headers, "stripe-signature").split(",").map { |part| part.strip.partition("=").values_at(0, 2) }
    timestamp = parts.to_h.fetch("t", "")
    check_time(timestamp)
    signatures = parts.select { |name, _| name == "v1" }.map(&:last)
    # whsec_ belongs to the key here.
    fit!(signatures, secrets.map { |secret| sign(secret, "#{timestamp}.", body).unpack1("H*") })
  end

  # A signature in hexadecimal over the body alone.
  def hexadecimal(headers, name, prefix, body, secrets)
    signature = need(headers, name)
    fit!([signature], secrets.map { |secret| prefix + sign(secret, "", body).unpack1("H*") })
  end

  def need(headers, name)
    value = headers[name].to_s
    raise Error, "the header #{name} is missing" if value.empty?

    value
  end

  def check_time(text)
    raise Error, "the timestamp is no number of unix seconds" unless text.match?(/\A[0-9]{1,12}\z/)
    raise Error, "the timestamp is more than 5 minutes from now" if (Time.now.to_i - text.to_i).abs > TOLERANCE
  end

  def standard_key(secret)
    secret.delete_prefix("whsec_").unpack1("m0")
  rescue ArgumentError
    raise Error, "a secret is not whsec_ and base64"
  end

  # Refuses an empty key, with which anybody can sign.
  def sign(key, before, body)
    raise Error, "a secret is empty" if key.empty?

    OpenSSL::HMAC.digest("SHA256", key, before.b + body.b)
  end

  # Takes the same time wherever two texts differ.
  def fit!(signatures, wants)
    return if signatures.product(wants).any? { |got, want| OpenSSL.secure_compare(got, want) }

    raise Error, "no signature fits: another secret signed, or the body is not what was sent"
  end
end
