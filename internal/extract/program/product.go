package program

import (
	"regexp"
	"strings"
	"sync"

	"muster/internal/advisory"
	"muster/internal/inventory"
)

// Product is a program that is known by what it says of itself.
type product struct {
	name string
	// record is the name under which Bitnami publishes advisories of the same
	// versions, "" where it does not: then nobody judges the program, unless it
	// is a package of a language.
	record string
	// files matches the base names under which it is installed.
	files *regexp.Regexp
	marks []mark
}

// mark is a place in the file that tells the version: the first group of the
// pattern, found around the literal text.
type mark struct {
	literal string
	pattern *regexp.Regexp
}

func marked(literal, pattern string) mark { return mark{literal, regexp.MustCompile(pattern)} }

func named(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) }

const three = `([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,4})`

// buildID ends in a time in nanoseconds: what Redis and its fork append to
// their version, after the name of the machine that built it.
const buildID = `([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}?)(?:[0-9a-f]{12}|[a-z][a-z0-9.-]{0,60}?)-[0-9]{10}0{9}`

// known are the products, compiled once.
var known = sync.OnceValue(products)

// likely says cheaply that a name can be a product's: names are asked for
// every file of a system.
func likely(base string) bool {
	if len(base) > 40 || base == "" {
		return false
	}
	for _, prefix := range []string{"node", "python", "libp", "nginx", "openresty", "httpd", "apache2", "redis-", "valkey-", "postgres", "mariadb", "mysql",
		"mongo", "php", "ruby", "libruby", "haproxy", "memcached", "git", "slapd", "ldap", "varnishd", "fluent-bit", "openssl", "libcrypto", "libssl",
		"curl", "libcurl", "ssh", "busybox", "beam.smp", "erlexec", "lighttpd", "proftpd", "sqlite3", "libsqlite3", "deno", "consul", "bun", "jq", "ff", "xz", "libkrb5", "release", "version.php"} {
		if strings.HasPrefix(base, prefix) {
			return true
		}
	}
	return false
}

// products are the programs that are looked for. The marks are texts that the
// programs print or send.
func products() []product {
	return []product{
		{"node", "node", named(`node|nodejs|node[0-9]+`), []mark{
			marked("node.js/v", `node\.js/v`+three), marked("node v0", `node v`+three+`\x00`),
			marked("moduleLoadList", `\x00v`+three+`\x00+moduleLoadList`), marked("--enable-ssl2", `\x00v`+three+`\x00+--enable-ssl2`)}},
		{"python", "python", named(`python[0-9.]*|libpython[0-9.]+[a-z]*\.so[0-9.]*`), []mark{
			marked("/lib/pythonX.X", `\x00([23]\.[0-9]{1,2}\.[0-9]{1,2}(?:[abrc]{1,2}[0-9]+)?)\+?\x00(?:[ -~]{0,12}\x00)*<prefix>/lib/pythonX\.X`),
			marked("%.80s (%.80s)", `\x00([23]\.[0-9]{1,2}\.[0-9]{1,2}(?:[abrc]{1,2}[0-9]+)?)\+?\x00+%\.80s \(%\.80s\)`)}},
		{"nginx", "nginx", named(`nginx`), []mark{marked("nginx version: nginx/", `nginx/`+three)}},
		{"openresty", "openresty", named(`nginx|openresty`), []mark{marked("nginx version: openresty/", `openresty/([0-9]+(?:\.[0-9]+){2,3})`)}},
		{"httpd", "apache", named(`httpd|apache2`), []mark{marked("Apache/2.", `Apache/`+three)}},
		{"redis", "redis", named(`redis-server`), []mark{marked("Redis version ", `Redis version `+three), marked("000000000\x00", buildID)}},
		{"valkey", "valkey", named(`valkey-server`), []mark{marked("000000000\x00", `valkey`+buildID), marked("000000000\x00", buildID)}},
		{"postgresql", "postgresql", named(`postgres`), []mark{marked("PostgreSQL ", `PostgreSQL ([0-9]+(?:\.[0-9]+){0,2}(?:(?:alpha|beta|rc)[0-9]+)?) (?:on|\()`)}},
		{"mariadb", "mariadb", named(`mariadbd?|mysqld?|mysqladmin|mariadb-admin`), []mark{
			marked("-MariaDB", three+`-MariaDB`), marked("/mariadb-", `/mariadb-`+three)}},
		{"mysql", "", named(`mysqld?|mysqladmin`), []mark{
			marked("/mysql-", `/mysql-`+three+`/`), marked("mysql_real_escape_string_quote", `\x00`+three+`\x00+mysql_real_escape_string_quote`)}},
		{"mongodb", "mongodb", named(`mongod|mongos`), []mark{
			marked("mozjs", `\x00`+three+`\x00tcmalloc\x00mozjs`), marked("cppdefines", `\x00`+three+`\x00cppdefines`), marked("heap_size", `\x00`+three+`\x00heap_size`)}},
		{"php", "php", named(`php[0-9.]*|php-fpm[0-9.]*|php-cgi[0-9.]*|libphp[0-9.]*\.so`), []mark{marked("PHP/", `PHP/`+three)}},
		{"ruby", "ruby", named(`ruby[0-9.]*|libruby[0-9.-]*\.so[0-9.]*`), []mark{marked("ruby ", `ruby ([0-9]\.[0-9]+\.[0-9]+)(?:p[0-9]+)? \([0-9]{4}-`)}},
		{"haproxy", "haproxy", named(`haproxy`), []mark{
			marked("Proxy version ", `HA-?Proxy version ([0-9]+\.[0-9]+(?:\.[0-9]+|-dev[0-9]+)?)`), marked(", released ", `version ([0-9]+\.[0-9]+(?:\.[0-9]+|-dev[0-9]+)?)[^ ]*, released `),
			marked("HAProxy version follows", `\x00([0-9]+\.[0-9]+(?:\.[0-9]+|-dev[0-9]+)?)-[0-9a-f]{7}\x00+HAProxy version follows`)}},
		{"memcached", "memcached", named(`memcached`), []mark{marked("memcached 1.", `memcached `+three)}},
		{"git", "git", named(`git`), []mark{marked("git/2.", `git/([0-9]+\.[0-9]+\.[0-9]+)(?:\x00|\.[a-z])`)}},
		{"openldap", "openldap", named(`slapd|ldap(?:search|modify|add)`), []mark{marked("$OpenLDAP: ", `\$OpenLDAP: [a-z]+ `+three)}},
		{"varnish", "varnish", named(`varnishd`), []mark{marked("varnish-", `varnish-`+three)}},
		{"fluent-bit", "fluent-bit", named(`fluent-bit`), []mark{marked("Fluent Bit v%s", `\x00`+three+`\x00+[^\x00]{0,12}Fluent Bit v%s`)}},
		{"openssl", "", named(`openssl|lib(?:crypto|ssl)\.so[0-9.]*`), []mark{marked("OpenSSL ", `OpenSSL ([0-9]\.[0-9]\.[0-9]+[a-z]{0,2}) +[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}`)}},
		{"curl", "", named(`curl|libcurl\.so[0-9.]*`), []mark{marked("curl/", `(?:lib)?curl/`+three)}},
		{"openssh", "", named(`sshd|ssh`), []mark{marked("OpenSSH_", `OpenSSH_([0-9]+\.[0-9]+(?:p[0-9]+)?)`)}},
		{"busybox", "", named(`busybox(?:\.static|-static)?`), []mark{marked("BusyBox v", `BusyBox v`+three)}},
		{"erlang", "", named(`beam\.smp|erlexec`), []mark{
			marked("/otp_src_", `/otp_src_([0-9]+(?:\.[0-9]+)+)/`), marked("Erlang/OTP ", `\x00([0-9]+(?:\.[0-9]+)+)\x00+Erlang/OTP`)}},
		{"lighttpd", "", named(`lighttpd`), []mark{marked("lighttpd/", `lighttpd/`+three)}},
		{"proftpd", "", named(`proftpd`), []mark{marked("ProFTPD Version ", `ProFTPD Version ([0-9]\.[0-9]+\.[0-9]+[a-z]?)`)}},
		{"sqlite", "sqlite", named(`sqlite3|libsqlite3\.so[0-9.]*`), []mark{marked("\x003.", `\x00(3\.[0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9])?)\x00`)}},
		{"deno", "", named(`deno`), []mark{marked("Deno/", `Deno/`+three)}},
		{"consul", "", named(`consul`), []mark{marked("CONSUL_VERSION: ", `CONSUL_VERSION: `+three+` `)}},
		{"bun", "", named(`bun`), []mark{marked("Bun v", `Bun v`+three)}},
		{"jq", "", named(`jq`), []mark{marked("jq: error (at %s)", `\x00([0-9]\.[0-9](?:\.[0-9])?)\x00(?:[^\x00]{0,40}\x00){0,3}jq: error \(at %s\)`)}},
		{"ffmpeg", "", named(`ffmpeg|ffprobe`), []mark{marked("%s version ", `%s version n?([0-9]+\.[0-9]+(?:\.[0-9]+)?)`)}},
		{"xz", "", named(`xz`), []mark{marked("(XZ Utils) ", `\(XZ Utils\) `+three)}},
		{"krb5", "", named(`libkrb5\.so[0-9.]*`), []mark{marked("KRB5_BRAND: krb5-", `KRB5_BRAND: krb5-([0-9]\.[0-9]{1,2}(?:\.[0-9]{1,2})?)-final`)}},
		{java, "java", named(`release`), nil},
		{wordpress, "wordpress", named(`version\.php`), nil},
	}
}

// seriesMarks are the marks of a program whose file names its series, as
// python3.11 and libpython3.11.so do: then a bare version of it is
// enough, also as the end of a prefix, with which compilers merge it.
func seriesMarks(base string) []mark {
	m := pythonSeries.FindStringSubmatch(base)
	if m == nil {
		return nil
	}
	return []mark{marked(m[1]+".", `[\x00/](`+regexp.QuoteMeta(m[1])+`\.[0-9]{1,2}(?:[abrc]{1,2}[0-9]+)?)\+?\x00`)}
}

var pythonSeries = regexp.MustCompile(`^(?:lib)?python([23]\.[0-9]{1,2})`)

// Unjudged is the ecosystem of programs that nobody's advisories are about.
const Unjudged = "Programs"

// Products that a text file beside the program describes.
const (
	java      = "java"
	wordpress = "wordpress"
)

func (p product) component(version string) inventory.Component {
	switch {
	case p.record != "":
		return inventory.Component{Ecosystem: advisory.Upstream, Name: p.record, Version: version}
	case p.name == "deno":
		return inventory.Component{Ecosystem: "crates.io", Name: p.name, Version: version}
	case p.name == "consul":
		return inventory.Component{Ecosystem: "Go", Name: "github.com/hashicorp/consul", Version: "v" + version, Manager: inventory.ManagerGoBinary}
	}
	return inventory.Component{Ecosystem: Unjudged, Name: p.name, Version: version}
}

// Named is the component of a program by the name and version that package
// URLs of the type generic carry; false for names that muster does not know.
func Named(name, version string) (inventory.Component, bool) {
	name = strings.ToLower(name)
	for _, p := range known() {
		if version != "" && (p.name == name || p.record == name || alias(name) == p.name) {
			return p.component(version), true
		}
	}
	return inventory.Component{}, false
}

// alias maps other tools' names.
func alias(name string) string {
	switch name {
	case "nodejs", "node.js":
		return "node"
	case "apache", "apache2", "http_server":
		return "httpd"
	case "postgres":
		return "postgresql"
	case "jdk", "jre", "openjdk", "graalvm":
		return java
	}
	return ""
}

// Is reports whether a component is a program outside packages.
func Is(c inventory.Component) bool {
	return c.Ecosystem == advisory.Upstream || c.Ecosystem == Unjudged
}
