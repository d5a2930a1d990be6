package peers

import (
	"fmt"
	"os"
	"os/exec"
)

// Prosody is one of Debian's. Its rooms are like those of other servers unless they are configured: anyone
// may come in.
func (w *World) Prosody(o Options) *Server {
	w.t.Helper()
	program := Need(w.t, "prosody", "prosody lua-unbound")
	o.settle()
	s := w.server(o.Domain)
	cert, key := w.certificate(o.Domain, o.CertDomain, "groups."+o.CertDomain)
	more, storage := "", ""
	if o.Dialback {
		more = `"dialback";`
	}
	if o.SQL {
		storage = fmt.Sprintf(`storage = { archive = "sql"; muc_log = "sql" }
sql = { driver = "SQLite3", database = %q }
`, w.Path(o.Domain+".sqlite"))
	}
	full, beside := "", ""
	if o.Full {
		s.HTTP = w.port()
		more += `"offline"; "user_account_management"; "bosh"; "websocket"; "cloud_notify"; "lastactivity"; "uptime"; "external_services"; "server_contact_info"; "adhoc"; "admin_adhoc"; "announce"; "invites"; "invites_adhoc"; "invites_register";`
		full = fmt.Sprintf(`http_ports = { %d }
http_interfaces = { "127.0.0.1" }
https_ports = {}
http_default_host = %q
consider_bosh_secure = true
consider_websocket_secure = true
registration_invite_only = false
allow_user_invites = true
external_service_secret = "a secret"
external_services = { { type = "turn"; transport = "udp"; host = %q; port = 3478; secret = "a secret"; ttl = 3600 }; { type = "stun"; transport = "udp"; host = %q; port = 3478 } }
contact_info = { abuse = { "mailto:abuse@%s" } }
proxy65_ports = { %d }
proxy65_interfaces = { "127.0.0.1" }
admins = { %s }
`, s.HTTP, o.Domain, o.Domain, o.Domain, o.Domain, w.port(), quoted(o.Admins))
		beside = fmt.Sprintf("Component \"upload.%s\" \"http_file_share\"\n  http_external_url = \"http://upload.%s/\"\n  http_file_share_size_limit = 1000000\nComponent \"proxy.%s\" \"proxy65\"\n", o.Domain, o.Domain, o.Domain)
	}
	if o.Components != nil {
		s.Beside = w.port()
		full += fmt.Sprintf("component_ports = { %d }\ncomponent_interfaces = { \"127.0.0.1\" }\n", s.Beside)
		for _, host := range o.Components {
			beside += fmt.Sprintf("Component %q\n  component_secret = %q\n", host, Secret)
		}
	}
	s.Config = w.Write(o.Domain+".cfg.lua", fmt.Sprintf(`
run_as_root = true
daemonize = false
pidfile = %q
data_path = %q
plugin_server = ""
log = { { levels = { min = "info" }, to = "console" } }
interfaces = { "127.0.0.1" }
-- What a good operator sets: without it each answer waits for the acknowledgement of the one before.
network_settings = { nagle = false }
c2s_ports = {}
c2s_direct_tls_ports = { %d }
s2s_ports = { %d }
s2s_secure_auth = %t
s2s_require_encryption = true
plugin_paths = { %q }
ssl = { certificate = %q, key = %q, cafile = %q }
allow_registration = true
bounce_blocked_messages = true
modules_enabled = {
  "names"; "roster"; "saslauth"; "tls"; "disco"; "pep"; "smacks"; "s2s_bidi"; "carbons"; "mam"; "ping"; "register_ibr";
  "blocklist"; "private"; "vcard4"; "vcard_legacy"; "bookmarks"; "csi_simple"; "version"; "time"; %s
}
%s%s
VirtualHost %q
Component "groups.%s" "muc"
  modules_enabled = { "muc_mam"; "vcard_muc"; "muc_moderation" }
  restrict_room_creation = false
  muc_tombstones = false
%s`, w.Path(o.Domain+".pid"), w.Path(o.Domain+"-data"), s.C2S, s.S2S, !o.Dialback, w.Path("plugins"), cert, key, w.Path("ca.pem"), more, storage, full, o.Domain, o.Domain, beside))
	if err := os.MkdirAll(w.Path(o.Domain+"-data"), 0o700); err != nil {
		w.t.Fatal(err)
	}
	s.begin = func() *exec.Cmd {
		w.Write("plugins/mod_names.lua", w.names())
		return exec.Command(program, "--config", s.Config, "-F") //nolint:gosec // found on this machine
	}
	return s
}

// quoted is a list in Lua and in YAML.
func quoted(all []string) string {
	out := ""
	for i, s := range all {
		if i > 0 {
			out += ", "
		}
		out += fmt.Sprintf("%q", s)
	}
	return out
}

// names is a plugin for Prosody with the names of the test. Prosody can be told another name server only
// through libunbound, which its packages for some versions of Lua cannot use.
func (w *World) names() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := "module:set_global();\nlocal srv = {\n"
	for name, port := range w.srv {
		text += fmt.Sprintf("  [%q] = %d;\n", name, port)
	}
	return text + `};
local ok, unbound = pcall(require, "lunbound");
if ok then
	unbound.new = function () return { getfd = function () return -1; end; process = function () end }; end
end
local function lookup(_, callback, name, kind)
	name = name:lower():gsub("%.?$", ".");
	local answer = {};
	if kind == "SRV" and srv[name] then
		answer = { { srv = { priority = 1; weight = 1; port = srv[name]; target = "localhost." } } };
	elseif kind == "A" and name == "localhost." then
		answer = { { a = "127.0.0.1" } };
	end
	module:add_timer(0, function () callback(answer); end);
end
require "net.adns".resolver = function () return { lookup = lookup }; end
`
}
