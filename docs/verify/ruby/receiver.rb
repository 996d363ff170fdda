# A small receiver that verifies every POST: 204 when it is right, 401 and the reason
# when it is not. Run it with
#
#   WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… ruby receiver.rb 8000
#
# and WEBHOOK_OLD_SECRET too while a secret is rotated. Ruby has had no HTTP server of
# its own since 3.0, so this speaks just enough HTTP itself; an application has Rack.

require "socket"
require_relative "verify"

FORMATS = {
  "standard" => :standard, "x-webhook" => :x_webhook, "vikunja" => :vikunja, "github" => :github, "stripe" => :stripe
}.freeze

format = ENV["WEBHOOK_FORMAT"]
secrets = ENV.values_at("WEBHOOK_SECRET", "WEBHOOK_OLD_SECRET").reject { |secret| secret.to_s.empty? }
if !FORMATS.key?(format) || secrets.empty? || ARGV.length != 1
  abort "usage: WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… ruby receiver.rb PORT"
end

def read_request(socket)
  return if socket.gets.nil? # the request line

  headers = {}
  while (line = socket.gets) && line != "\r\n"
    name, value = line.chomp.split(":", 2)
    headers[name.downcase] = value.to_s.strip
  end
  [headers, socket.read(headers["content-length"].to_i)]
end

def answer(socket, status, text = "")
  socket.write "HTTP/1.1 #{status}\r\nConnection: close\r\n"
  socket.write "Content-Length: #{text.bytesize}\r\n" unless text.empty?
  socket.write "\r\n#{text}"
end

$stdout.sync = true
server = TCPServer.new("127.0.0.1", Integer(ARGV.first))
puts "listening on http://127.0.0.1:#{server.local_address.ip_port}"
loop do
  Thread.new(server.accept) do |socket|
    headers, body = read_request(socket)
    next if body.nil?

    Verify.public_send(FORMATS[format], headers, body, *secrets)
    puts "verified #{format}: #{body.bytesize} bytes"
    answer(socket, "204 No Content")
  rescue Verify::Error => e
    puts "refused #{format}: #{e.message}"
    answer(socket, "401 Unauthorized", e.message)
  ensure
    socket.close
  end
end
