package federation

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// kithServer is ours.
func (w *world) kithServer(domain string, more string) *server {
	w.t.Helper()
	s := &server{w: w, domain: domain, c2s: w.port(), s2s: w.port(), log: w.path(domain + ".log")}
	cert, key := w.certificate(domain, domain, "groups."+domain)
	config := w.write(domain+".toml", fmt.Sprintf(`domain = %q
data = %q
cert = %q
key = %q
[listen]
http = "off"
https = "off"
c2s = "off"
c2s_tls = "127.0.0.1:%d"
s2s = "127.0.0.1:%d"
s2s_tls = "off"
turn = "off"
[accounts]
plain_passwords = true
[federation]
ca = %q
resolver = %q
private_addresses = true
well_known = false
%s
`, domain, w.path(domain+"-data"), cert, key, s.c2s, s.s2s, w.path("ca.pem"), w.dns, more))
	s.begin = func() *exec.Cmd { return exec.Command(w.kith, "serve", "--config", config) }
	s.account = func(name, password string) {
		w.t.Helper()
		cmd := exec.Command(w.kith, "user", "add", name+"@"+domain, "--config", config)
		cmd.Stdin = strings.NewReader(password + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("user add: %v\n%s", err, out)
		}
	}
	w.name(domain, s.s2s)
	return s
}

// status is what the operator is shown.
func (s *server) status(args ...string) string {
	s.w.t.Helper()
	args = append([]string{"federation", "status", "--config", s.w.path(s.domain + ".toml")}, args...)
	out, err := exec.Command(s.w.kith, args...).CombinedOutput()
	if err != nil {
		s.w.t.Fatalf("status: %v\n%s", err, out)
	}
	return string(out)
}

// need skips a test where the other server is not installed.
func need(t *testing.T, program, debian string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + program); err != nil {
			t.Skipf("%s is not installed (Debian: apt install %s)", program, debian)
		}
	}
	return path
}

// prosody is one of Debian's; certDomain is what its certificate is for.
func (w *world) prosody(domain, certDomain string, dialback bool) *server {
	w.t.Helper()
	program := need(w.t, "prosody", "prosody lua-unbound")
	s := &server{w: w, domain: domain, c2s: w.port(), s2s: w.port(), log: w.path(domain + ".log")}
	cert, key := w.certificate(domain, certDomain, "groups."+certDomain)
	more := ""
	if dialback {
		more = `"dialback";`
	}
	config := w.write(domain+".cfg.lua", fmt.Sprintf(`
run_as_root = true
daemonize = false
pidfile = %q
data_path = %q
plugin_server = ""
log = { { levels = { min = "info" }, to = "console" } }
interfaces = { "127.0.0.1" }
c2s_ports = {}
c2s_direct_tls_ports = { %d }
s2s_ports = { %d }
s2s_secure_auth = %t
s2s_require_encryption = true
plugin_paths = { %q }
ssl = { certificate = %q, key = %q, cafile = %q }
allow_registration = true
modules_enabled = { "names"; "roster"; "saslauth"; "tls"; "disco"; "pep"; "smacks"; "s2s_bidi"; "carbons"; "mam"; "ping"; "register_ibr"; "blocklist"; %s }
VirtualHost %q
Component "groups.%s" "muc"
  modules_enabled = { "muc_mam" }
`, w.path(domain+".pid"), w.path(domain+"-data"), s.c2s, s.s2s, !dialback, w.path("plugins"), cert, key, w.path("ca.pem"), more, domain, domain))
	if err := os.MkdirAll(w.path(domain+"-data"), 0o700); err != nil {
		w.t.Fatal(err)
	}
	s.begin = func() *exec.Cmd {
		w.write("plugins/mod_names.lua", w.names())
		return exec.Command(program, "--config", config, "-F")
	}
	w.name(domain, s.s2s)
	return s
}

// names is a plugin for Prosody with the names of the test. Prosody can be told another name server only
// through libunbound, which its packages for some versions of Lua cannot use.
func (w *world) names() string {
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

// ejabberd is one of Debian's. It runs without a script, as no service of the system.
func (w *world) ejabberd(domain, certDomain string, dialback bool) *server {
	w.t.Helper()
	need(w.t, "ejabberdctl", "ejabberd")
	program := need(w.t, "erl", "ejabberd")
	s := &server{w: w, domain: domain, c2s: w.port(), s2s: w.port(), log: w.path(domain + ".log")}
	cert, key := w.certificate(domain, certDomain, "groups."+certDomain)
	more := ""
	if dialback {
		more = "  mod_s2s_dialback: {}\n"
	}
	config := w.write(domain+".yml", fmt.Sprintf(`
hosts:
  - %[1]s
loglevel: info
certfiles:
  - %[2]s
  - %[3]s
ca_file: %[4]s
s2s_use_starttls: required
listen:
  -
    port: %[5]d
    ip: "127.0.0.1"
    module: ejabberd_c2s
    tls: true
  -
    port: %[6]d
    ip: "127.0.0.1"
    module: ejabberd_s2s_in
auth_method: internal
registration_timeout: infinity
acl:
  local:
    user_regexp: ""
access_rules:
  all_in:
    allow: all
modules:
  mod_disco: {}
  mod_caps: {}
  mod_carboncopy: {}
  mod_mam:
    assume_mam_usage: true
    default: always
  mod_muc:
    host: groups.@HOST@
    access: all_in
    access_create: all_in
    access_mam: all_in
    default_room_options:
      mam: true
  mod_offline: {}
  mod_ping: {}
  mod_pubsub:
    access_createnode: all_in
    plugins:
      - flat
      - pep
    force_node_config:
      "eu.siacs.conversations.axolotl.*":
        access_model: open
  mod_register:
    ip_access: all_in
    access: all_in
  mod_roster: {}
  mod_stream_mgmt: {}
%[7]s`, domain, cert, key, w.path("ca.pem"), s.c2s, s.s2s, more))
	_, port, _ := net.SplitHostPort(w.dns)
	inetrc := w.write(domain+".inetrc", fmt.Sprintf("{resolv_conf,\"\"}.\n{hosts_file,\"\"}.\n{lookup,[dns]}.\n{nameserver,{127,0,0,1},%s}.\n", port))
	spool := w.path(domain + "-data")
	if err := os.MkdirAll(spool, 0o700); err != nil {
		w.t.Fatal(err)
	}
	s.begin = func() *exec.Cmd {
		cmd := exec.Command(program, "-noinput", "-mnesia", "dir", fmt.Sprintf("%q", spool), "-s", "ejabberd")
		libs, _ := os.ReadDir("/usr/lib")
		erlLibs := "/usr/lib"
		for _, l := range libs {
			if _, err := os.Stat("/usr/lib/" + l.Name() + "/ejabberd-23.01"); err == nil {
				erlLibs = "/usr/lib/" + l.Name()
			}
		}
		cmd.Env = append(os.Environ(), "EJABBERD_CONFIG_PATH="+config, "EJABBERD_LOG_PATH="+w.path(domain+"-ejabberd.log"), "ERL_INETRC="+inetrc,
			"ERL_LIBS="+erlLibs, "HOME="+w.dir)
		return cmd
	}
	w.name(domain, s.s2s)
	return s
}
