package program

import (
	"bytes"
	"strings"
	"testing"

	"muster/internal/advisory"
)

const elf = "\x7fELF\x02\x01\x01\x00"

// read makes an executable of a text and reads it.
func read(t *testing.T, name, text string) string {
	t.Helper()
	data := []byte(elf + text)
	found, err := Read(bytes.NewReader(data), int64(len(data)), name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(found) == 0 {
		return ""
	}
	return found[0].Name + " " + found[0].Version
}

// TestRead: what programs of several decades say of themselves, and what only
// looks like it.
func TestRead(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"usr/local/bin/node", "x\x00node.js/v19.2.0\x00(delegate_)", "node 19.2.0"},
		{"usr/local/bin/node", "agent\x00v4.9.1\x00moduleLoadList\x00http_parser", "node 4.9.1"},
		{"usr/local/bin/node", "see node.js/v1 for more", ""},
		{"usr/local/bin/python3.6", "9\x00PYTHONIOENCODING\x003.6.3\x00<prefix>/lib/pythonX.X\x00", "python 3.6.3"},
		{"usr/local/lib/libpython3.8.so.1.0", "LC_ALL\x003.8.16\x00strict\x00<prefix>/lib/pythonX.X", "python 3.8.16"},
		{"usr/local/lib/libpython3.11.so.1.0", "\x00/opt/versions/3.11.7\x00EXEC_PREFIX", "python 3.11.7"},
		{"usr/local/bin/python", "\x003.12.1rc1\x00%.80s (%.80s) %.80s\x00", "python 3.12.1rc1"},
		{"usr/local/bin/python3.11", "\x003.10.2\x00", ""},
		{"usr/sbin/nginx", "nginx version: nginx/1.25.1\x00", "nginx 1.25.1"},
		{"usr/sbin/nginx", "nginx version: openresty/1.21.4.3\x00", "openresty 1.21.4.3"},
		{"usr/local/apache2/bin/httpd", "\x00Apache/2.4.54\x00 Server at", "apache 2.4.54"},
		{"usr/local/bin/redis-server", "Server started, Redis version 2.8.23\x00", "redis 2.8.23"},
		{"usr/local/bin/redis-server", "\x006.0.16964eac4733d9-1673428630000000000\x00", "redis 6.0.16"},
		{"usr/local/bin/redis-server", "@7.2.3buildkitsandbox-1703068688000000000\x00", "redis 7.2.3"},
		{"usr/local/bin/valkey-server", "valkey9.0.0buildkitsandbox-1764887574000000000\x00", "valkey 9.0.0"},
		{"usr/lib/postgresql/15/bin/postgres", "PostgreSQL 15.1 (Debian 15.1-1.pgdg110+1) on x86_64", "postgresql 15.1"},
		{"usr/bin/mariadb", "\x0010.6.15-MariaDB\x00readline", "mariadb 10.6.15"},
		{"usr/sbin/mysqld", "/release/mysql-5.6.51/vio/viosocket.c", "mysql 5.6.51"},
		{"usr/bin/mongod", "\x008.0.17\x00cppdefines\x00", "mongodb 8.0.17"},
		{"usr/local/bin/php", "X-Powered-By: PHP/8.2.1\x00", "php 8.2.1"},
		{"usr/local/bin/ruby", "ruby 3.2.2 (2023-03-30 revision e51014f9c0) [x86_64-linux]", "ruby 3.2.2"},
		{"usr/local/sbin/haproxy", "\x002.7.3-1065b10\x00\x00HAProxy version follows", "haproxy 2.7.3"},
		{"bin/openssl", "OpenSSL 1.1.1zb  16 Oct 2024\x00", "openssl 1.1.1zb"},
		{"bin/busybox", "BusyBox v1.36.1 (2023-12-04 19:44:32 UTC)", "busybox 1.36.1"},
		{"usr/lib/libsqlite3.so.0.8.6", "\xe8\x03\x00\x00\x003.40.1\x00\x00\x01", "sqlite 3.40.1"},
		{"usr/lib/libsqlite3.so.0", "at 3.40.1 and later\x00", ""},
		{"usr/bin/deno", "denover2.0.0+a62c7e0Deno/2.0.0Deno/2.0.0+a62c7e0", "deno 2.0.0"},
		{"bin/consul", "<!-- CONSUL_VERSION: 1.15.2  -->", "github.com/hashicorp/consul v1.15.2"},
		{"usr/local/bin/bun", "Bun v1.3.5 bun-1.3.5", "bun 1.3.5"},
		{"usr/bin/jq", "failed: %s\n\x001.7.1\x00DEBUG:\x00\x1e\x00jq: error (at %s): %s\n\x00", "jq 1.7.1"},
		{"usr/bin/ffmpeg", "\x00%s version 6.1.1-3ubuntu5\x00 Copyright (c) %d", "ffmpeg 6.1.1"},
		{"usr/bin/xz", "\x00xz (XZ Utils) 5.6.2\nliblzma %s", "xz 5.6.2"},
		{"usr/lib/libkrb5.so.3.3", "\x00KRB5_BRAND: krb5-1.18.4-final 1.18.4 20210722\x00", "krb5 1.18.4"},
		// A library that stands in for OpenSSL has OpenSSL's version for programs only.
		{"usr/bin/openssl", "OpenSSL 1.1.1 (compatible; AWS-LC 1.69.0)", ""},
		{"opt/bitnami/redis/bin/redis-server", "Redis version 7.0.0", ""},
		{"etc/node", "", ""},
	} {
		got := ""
		if Wants(tt.name) {
			got = read(t, tt.name, tt.text)
		}
		if got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
}

// TestParts: a version that lies across two parts of the file is found, one of
// a text that is no program is not.
func TestParts(t *testing.T) {
	mark := "nginx version: nginx/1.25.1\x00"
	for _, before := range []int{part - len(elf) - 20, part - len(elf), 3*part - 10, 5 * part} {
		if got := read(t, "sbin/nginx", strings.Repeat("x", before)+mark); got != "nginx 1.25.1" {
			t.Errorf("after %d bytes: %q", before, got)
		}
	}
	found, err := Read(strings.NewReader("#!/bin/sh\n"+mark), 60, "sbin/nginx")
	if err != nil || len(found) > 0 {
		t.Errorf("a script: %v, %v", found, err)
	}
	// A file that is shorter than it said ends the search.
	if found, err := Read(strings.NewReader(elf), 1<<40, "sbin/nginx"); err != nil || len(found) > 0 {
		t.Errorf("a lying size: %v, %v", found, err)
	}
}

func TestDescribed(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"opt/java/openjdk/release":       {"IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.9\"\n", "java 17.0.9"},
		"usr/lib/jvm/java-8/release":     {"JAVA_VERSION=\"1.8.0_352\"\n", "java 1.8.0_352"},
		"etc/release":                    {"VERSION=1\n", ""},
		"www/wp-includes/version.php":    {"<?php\n$wp_version = '6.4.2';\n", "wordpress 6.4.2"},
		"www/wp-content/x/version.php":   {"$wp_version = '6.4.2';", ""},
		"usr/src/includes/version.php":   {"$wp_version = '6.4.2';", ""},
		"www/wp-includes/other/node.php": {"", ""},
	} {
		got := ""
		if Wants(name) {
			found, err := Read(strings.NewReader(c.text), int64(len(c.text)), name)
			if err != nil {
				t.Fatal(err)
			}
			if len(found) > 0 {
				got = found[0].Name + " " + found[0].Version
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestLikely: the cheap question lets every name through that a product's
// pattern accepts.
func TestLikely(t *testing.T) {
	for _, name := range []string{
		"node", "nodejs", "python", "python3.11", "libpython3.8.so.1.0", "nginx", "openresty", "httpd", "apache2", "redis-server", "valkey-server", "postgres",
		"mariadb", "mariadbd", "mysqld", "mongod", "mongos", "php", "php-fpm8.2", "libphp.so", "ruby", "libruby.so.3.2", "haproxy", "memcached", "git", "slapd",
		"ldapsearch", "varnishd", "fluent-bit", "openssl", "libcrypto.so.3", "libssl.so.1.1", "curl", "libcurl.so.4", "sshd", "busybox",
		"beam.smp", "erlexec", "lighttpd", "proftpd", "sqlite3", "libsqlite3.so.0", "deno", "consul", "bun", "jq", "ffmpeg", "ffprobe", "xz", "libkrb5.so.3",
	} {
		if len(candidates(name)) == 0 {
			t.Errorf("%s is nobody's", name)
		}
	}
	for _, p := range known() {
		if len(p.marks) == 0 && p.name != java && p.name != wordpress {
			t.Errorf("%s has no marks", p.name)
		}
	}
}

func TestNamed(t *testing.T) {
	for _, tt := range []struct{ name, want, ecosystem string }{
		{"node", "node", advisory.Upstream}, {"Postgres", "postgresql", advisory.Upstream}, {"httpd", "apache", advisory.Upstream},
		{"openjdk", "java", advisory.Upstream}, {"openssl", "openssl", Unjudged},
	} {
		c, ok := Named(tt.name, "1.0")
		if !ok || c.Name != tt.want || c.Ecosystem != tt.ecosystem || !Is(c) {
			t.Errorf("%s: %+v, %v", tt.name, c, ok)
		}
	}
	if c, ok := Named("unheard-of", "1.0"); ok {
		t.Errorf("%+v", c)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"node", "python3.6", "redis-server", "release", "wp-includes/version.php", "mysqld"} {
		f.Add("x/"+name, elf+"\x003.6.3\x00<prefix>/lib/pythonX.X")
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		if !Wants(name) || len(text) > 1<<16 {
			return
		}
		found, err := Read(strings.NewReader(text), int64(len(text)), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range found {
			if c.Version == "" || strings.ContainsAny(c.Version, "\x00 \n") {
				t.Errorf("%q", c.Version)
			}
		}
	})
}
