package peers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
)

// Ejabberd is one of Debian's. It runs without a script, as no service of the system.
func (w *World) Ejabberd(o Options) *Server {
	w.t.Helper()
	Need(w.t, "ejabberdctl", "ejabberd")
	program := Need(w.t, "erl", "ejabberd")
	o.settle()
	s := w.server(o.Domain)
	cert, key := w.certificate(o.Domain, o.CertDomain, "groups."+o.CertDomain)
	more, archive, database := "", "", ""
	if o.Dialback {
		more = "  mod_s2s_dialback: {}\n"
	}
	if o.SQL {
		archive = "\n    db_type: sql"
		database = fmt.Sprintf("sql_type: sqlite\nsql_database: %q\n", w.Path(o.Domain+".sqlite"))
	}
	listeners, disco := "", "  mod_disco: {}\n"
	if o.Full {
		s.HTTP = w.port()
		listeners += fmt.Sprintf(`  -
    port: %d
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /ws: ejabberd_http_ws
      /http-bind: mod_bosh
      /upload: mod_http_upload
      /.well-known/host-meta: mod_host_meta
      /.well-known/host-meta.json: mod_host_meta
`, s.HTTP)
		more += fmt.Sprintf(`  mod_bosh: {}
  mod_configure: {}
  mod_announce:
    access: administrators
  mod_host_meta:
    bosh_service_url: "https://@HOST@/http-bind"
    websocket_url: "wss://@HOST@/ws"
  mod_http_upload:
    put_url: http://@HOST@/upload
    docroot: %q
    max_size: 1000000
    access: all_in
  mod_last: {}
  mod_proxy65:
    ip: "127.0.0.1"
    port: %d
    access: all_in
  mod_push: {}
  mod_stun_disco:
    access: all_in
    secret: "a secret"
    services:
      -
        host: 192.0.2.1
        port: 3478
        type: turn
        transport: udp
        restricted: true
`, w.Path(o.Domain+"-files"), w.port())
		disco = "  mod_disco:\n    server_info:\n      -\n        modules: all\n        name: \"abuse-addresses\"\n        urls: [\"mailto:abuse@" + o.Domain + "\"]\n"
	}
	if o.Components != nil {
		s.Beside = w.port()
		listeners += fmt.Sprintf("  -\n    port: %d\n    ip: \"127.0.0.1\"\n    module: ejabberd_service\n    global_routes: false\n    hosts:\n", s.Beside)
		for _, host := range o.Components {
			listeners += fmt.Sprintf("      %q:\n        password: %q\n", host, Secret)
		}
	}
	s.Config = w.Write(o.Domain+".yml", fmt.Sprintf(`
hosts:
  - %[1]s
loglevel: info
certfiles:
  - %[2]s
  - %[3]s
ca_file: %[4]s
s2s_use_starttls: required
%[9]slisten:
  -
    port: %[5]d
    ip: "127.0.0.1"
    module: ejabberd_c2s
    tls: true
  -
    port: %[6]d
    ip: "127.0.0.1"
    module: ejabberd_s2s_in
%[10]sauth_method: internal
registration_timeout: infinity
acl:
  local:
    user_regexp: ""
  admin:
    user: [%[12]s]
access_rules:
  configure:
    allow: admin
  administrators:
    allow: admin
  all_in:
    allow: all
modules:
  mod_adhoc: {}
  mod_blocking: {}
  mod_client_state: {}
%[11]s  mod_caps: {}
  mod_carboncopy: {}
  mod_mam:
    assume_mam_usage: true%[8]s
    default: always
    request_activates_archiving: false
  mod_muc:
    host: groups.@HOST@
    access: all_in
    access_create: all_in
    access_mam: all_in
    default_room_options:
      mam: true
  mod_offline: {}
  mod_ping: {}
  mod_privacy: {}
  mod_private: {}
  mod_pubsub:
    access_createnode: all_in
    last_item_cache: false
    plugins:
      - flat
      - pep
    force_node_config:
      "eu.siacs.conversations.axolotl.*":
        access_model: open
      "storage:bookmarks":
        access_model: whitelist
  mod_register:
    ip_access: all_in
    access: all_in
  mod_roster:
    versioning: true
  mod_stream_mgmt:
    resend_on_timeout: if_offline
  mod_time: {}
  mod_vcard: {}
  mod_vcard_xupdate: {}
  mod_version: {}
%[7]s`, o.Domain, cert, key, w.Path("ca.pem"), s.C2S, s.S2S, more, archive, database, listeners, disco, quoted(o.Admins)))
	_, port, _ := net.SplitHostPort(w.dns)
	inetrc := w.Write(o.Domain+".inetrc", fmt.Sprintf("{resolv_conf,\"\"}.\n{hosts_file,\"\"}.\n{lookup,[dns]}.\n{nameserver,{127,0,0,1},%s}.\n", port))
	spool := w.Path(o.Domain + "-data")
	if err := os.MkdirAll(spool, 0o700); err != nil {
		w.t.Fatal(err)
	}
	s.begin = func() *exec.Cmd {
		cmd := exec.Command(program, "-noinput", "-mnesia", "dir", fmt.Sprintf("%q", spool), "-s", "ejabberd") //nolint:gosec // found on this machine
		libs, _ := os.ReadDir("/usr/lib")
		erlLibs := "/usr/lib"
		for _, l := range libs {
			if _, err := os.Stat("/usr/lib/" + l.Name() + "/ejabberd-23.01"); err == nil {
				erlLibs = "/usr/lib/" + l.Name()
			}
		}
		cmd.Env = append(os.Environ(), "EJABBERD_CONFIG_PATH="+s.Config, "EJABBERD_LOG_PATH="+w.Path(o.Domain+"-ejabberd.log"), "ERL_INETRC="+inetrc,
			"ERL_LIBS="+erlLibs, "HOME="+w.dir)
		return cmd
	}
	return s
}
