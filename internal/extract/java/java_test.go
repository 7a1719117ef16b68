package java

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/extract/bounded"
	"muster/internal/testshared"
)

// archive builds a zip; names that end in "!" are stored, not compressed.
func archive(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		name, stored := strings.CutSuffix(files[i], "!")
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		if stored {
			h.Method = zip.Store
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pom(group, artifact, version string) []string {
	return []string{"META-INF/maven/" + group + "/" + artifact + "/pom.properties",
		"#Generated\ngroupId=" + group + "\nartifactId=" + artifact + "\nversion=" + version + "\n"}
}

func read(t testing.TB, data []byte, name string) ([]string, error) {
	t.Helper()
	found, err := Read(bytes.NewReader(data), int64(len(data)), name)
	var lines []string
	for _, a := range found {
		line := a.Name + " " + a.Version
		if a.Inner != "" {
			line += " in " + a.Inner
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines, err
}

func TestRead(t *testing.T) {
	inner := archive(t, pom("org.a", "inner", "2.0")...)
	tests := []struct {
		name, file string
		data       []byte
		want       []string
	}{
		{"pom.properties", "x.jar", archive(t, pom("org.a", "a", "1.0")...), []string{"org.a:a 1.0"}},
		{"shaded", "a-1.0.jar", archive(t, append(pom("org.a", "a", "1.0"), pom("org.b", "b", "2")...)...), []string{"org.a:a 1.0", "org.b:b 2"}},
		{"shaded, in folders of its own", "a-1.0.jar", archive(t, append(pom("org.a", "a", "1.0"), "shaded/b/pom.properties", "groupId=org.b\nartifactId=b\nversion=2\n")...), []string{"org.a:a 1.0", "org.b:b 2"}},
		{"shaded without its own", "c-3.jar", archive(t, append(append(pom("org.a", "a", "1.0"), pom("org.b", "b", "2")...),
			"META-INF/MANIFEST.MF", "Implementation-Vendor-Id: org.c\nImplementation-Version: 3\n")...), []string{"org.a:a 1.0", "org.b:b 2", "org.c:c 3"}},
		{"vendor id in the manifest", "log4j-core-2.14.1.jar", archive(t, "META-INF/MANIFEST.MF",
			"Manifest-Version: 1.0\r\nImplementation-Vendor-Id: org.apache.logg\r\n ing.log4j\r\nImplementation-Version: 2.14.1\r\n\r\nName: x\r\n"),
			[]string{"org.apache.logging.log4j:log4j-core 2.14.1"}},
		{"symbolic name that ends in the artifact", "guava-31.0.jar", archive(t, "META-INF/MANIFEST.MF",
			"Bundle-SymbolicName: com.google.guava.guava;singleton:=true\nBundle-Version: 31.0.0.jre\n"), []string{"com.google.guava:guava 31.0"}},
		{"a group is not guessed", "acme-io-2.4.jar", archive(t, "META-INF/MANIFEST.MF",
			"Bundle-SymbolicName: org.acme.io\n"), []string{"acme-io 2.4"}},
		{"known to name no group", "spring-core-5.3.17.jar", archive(t, "META-INF/MANIFEST.MF",
			"Implementation-Title: spring-core\nAutomatic-Module-Name: spring.core\nImplementation-Version: 5.3.17\n",
			"org/springframework/core/SpringVersion.class", ""), []string{"org.springframework:spring-core 5.3.17"}},
		{"known, and stripped of its classes", "spring-boot-2.7.0.jar", archive(t, "META-INF/MANIFEST.MF",
			"Implementation-Title: Spring Boot\nImplementation-Version: 2.7.0\n"), []string{"org.springframework.boot:spring-boot 2.7.0"}},
		{"known by name, with other classes", "axis-1.4.jar", archive(t, "META-INF/MANIFEST.MF",
			"Implementation-Title: axis\nImplementation-Version: 1.4\n", "com/acme/Axis.class", ""), []string{"axis 1.4"}},
		{"known under another name", "catalina.jar", archive(t, "META-INF/MANIFEST.MF",
			"Implementation-Title: Apache Tomcat\nImplementation-Version: 9.0.30\n", "org/apache/catalina/Server.class", ""),
			[]string{"org.apache.tomcat:tomcat-catalina 9.0.30"}},
		{"nothing known", "app.jar", archive(t, "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"), nil},
		{"nested, compressed and stored", "app.war", archive(t, "WEB-INF/lib/i.jar", string(inner), "BOOT-INF/lib/j.jar!", string(inner)),
			[]string{"org.a:inner 2.0 in BOOT-INF/lib/j.jar", "org.a:inner 2.0 in WEB-INF/lib/i.jar"}},
		{"nested twice", "app.ear", archive(t, "w.war", string(archive(t, "lib/i.jar!", string(inner)))),
			[]string{"org.a:inner 2.0 in w.war!/lib/i.jar"}},
		{"a plug-in in a program", "program.war", archive(t, "WEB-INF/plugins/p.hpi", string(archive(t, append(pom("org.p", "p", "1.1"), "WEB-INF/lib/i.jar", string(inner))...))),
			[]string{"org.a:inner 2.0 in WEB-INF/plugins/p.hpi!/WEB-INF/lib/i.jar", "org.p:p 1.1 in WEB-INF/plugins/p.hpi"}},
		{"unexpanded properties", "x.jar", archive(t, pom("org.a", "a", "${version}")...), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := read(t, tt.data, tt.file); err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestABrokenNestedArchiveDoesNotHideTheOthers(t *testing.T) {
	data := archive(t, "lib/broken.jar", "no zip", "lib/i.jar", string(archive(t, pom("org.a", "inner", "2.0")...)))
	got, err := read(t, data, "app.war")
	if err == nil || !strings.Contains(err.Error(), "broken.jar") || !slices.Equal(got, []string{"org.a:inner 2.0 in lib/i.jar"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestArchivesThatUnfoldEnd(t *testing.T) {
	deep := archive(t, pom("org.a", "core", "1")...)
	for range maxDepth + 3 {
		deep = archive(t, "n.jar", string(deep))
	}
	if got, err := read(t, deep, "app.jar"); err != nil || len(got) != 0 {
		t.Errorf("deep: %q, %v", got, err)
	}
	bomb := archive(t, "huge.jar", string(make([]byte, maxText+1)), "META-INF/MANIFEST.MF", string(make([]byte, maxText+1)))
	small := &scan{left: maxText} // as if the rest had been unpacked before
	if err := small.archive(bytes.NewReader(bomb), int64(len(bomb)), "app.jar", "", 0); err != nil || len(small.failed) != 2 {
		t.Errorf("bomb of %d bytes: %v, %v", len(bomb), err, small.failed)
	}
	for _, err := range small.failed {
		if !errors.Is(err, bounded.ErrTooLarge) {
			t.Errorf("bomb: %v", err)
		}
	}
}

func TestRealArchive(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(testshared.Dir(t), "targets", "archives", "gradle.war"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t, data, "gradle.war")
	if err != nil || len(got) != 4 {
		t.Errorf("%d artifacts, want 4: %q, %v", len(got), got, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(archive(f, pom("org.a", "a", "1.0")...))
	f.Add(archive(f, "META-INF/MANIFEST.MF", "A: b\n c\n", "i.jar", string(archive(f, pom("org.a", "a", "1.0")...))))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, _ := Read(bytes.NewReader(data), int64(len(data)), "a-1.jar")
		for _, a := range found {
			if a.Name == "" || a.Version == "" {
				t.Errorf("incomplete: %+v", a)
			}
		}
	})
}

// TestOneArchiveManyTimes: entries that all mean one nested archive, whose
// directory is long: it is not read for each of them.
func TestOneArchiveManyTimes(t *testing.T) {
	var inner bytes.Buffer
	z := zip.NewWriter(&inner)
	for n := range maxEntries / 4 {
		if _, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	data := archive(t, "a.jar!", inner.String())
	end := bytes.LastIndex(data, []byte("PK\x05\x06"))
	at := binary.LittleEndian.Uint32(data[end+16:])
	const times = 1000
	entry := bytes.Clone(data[at:end])
	data = append(data[:end:end], append(bytes.Repeat(entry, times-1), data[end:]...)...)
	end += len(entry) * (times - 1)
	binary.LittleEndian.PutUint16(data[end+8:], times)
	binary.LittleEndian.PutUint16(data[end+10:], times)
	binary.LittleEndian.PutUint32(data[end+12:], uint32(len(entry)*times))
	_, err := read(t, data, "x.jar")
	if err == nil || !errors.Is(err, bounded.ErrTooMany) || strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("%.300v", err)
	}
}
