package feedtest

import (
	"fmt"
	"strings"
	"testing"
)

// Addresses are the sources' addresses at this server, as configuration takes
// them.
func (s *Server) Addresses() map[string]string {
	out := map[string]string{}
	for source, path := range map[string]string{
		"cvelist": "/cvelist/develop.zip", "nuclei": "/nuclei/cves.json", "bottlerocket": "/bottlerocket/updateinfo.xml.gz", "debian-notices": "/debian/data", "alpine": "/alpine", "amazon": "/amazon", "debian": "/debian/tracker/data/json", "endoflife": "/eol/products/full",
		"epss": "/epss", "exploitdb": "/exploitdb/files_exploits.csv", "kev": "/cisa/kev.json",
		"metasploit": "/msf/modules_metadata_base.json", "nvd": "/nvd", "microsoft": "/msrc", "nvd-api": "/nvd-api", "oracle": "/oracle/elsa.xml.bz2",
		"osv": "/osv", "photon": "/photon", "redhat-advisories": "/redhat/advisories",
		"redhat-vex": "/redhat/vex", "rocky": "/rocky", "suse": "/suse", "ubuntu-osv": "/ubuntu/osv-all.tar.xz",
	} {
		out[source] = s.URL + path
	}
	return out
}

// Record is an OSV record of a Debian package; date is that of its change.
func Record(n int, date, fixed string) string {
	return fmt.Sprintf(`{"id":"DEBIAN-CVE-2024-%04d","modified":%q,"upstream":["CVE-2024-%04d"],"affected":[{"package":{"ecosystem":"Debian:12","name":"p%d"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, n, date, n, n, fixed)
}

// Begin is the date of change of everything that Fill offers.
const Begin = "2026-11-01T00:00:00Z"

// Fill offers a little of everything, in the publishers' layouts.
func (s *Server) Fill(t testing.TB) {
	t.Helper()
	s.FillOSV(t, 10)
	s.fillScores(t)
	s.fillRPM(t)
	s.fillOthers(t)
}

// FillOSV offers two ecosystems of OSV's bucket; Debian has n records.
func (s *Server) FillOSV(t testing.TB, n int) {
	t.Helper()
	debian, list, all := map[string]string{}, "", ""
	for i := range n {
		id := fmt.Sprintf("DEBIAN-CVE-2024-%04d", i)
		debian[id+".json"] = Record(i, Begin, "2.0")
		list += Begin + "," + id + "\n"
		all += Begin + ",Debian/" + id + "\n"
	}
	s.SetText("/osv/ecosystems.txt", "Debian\nDebian:12\nRed Hat\nUnheard Of\n")
	s.Set("/osv/Debian/all.zip", Zip(t, debian))
	s.SetText("/osv/Debian/modified_id.csv", list)
	s.Set("/osv/Red Hat/all.zip", Zip(t, map[string]string{"RHSA-2024:1.json": `{"id":"RHSA-2024:1","modified":"` + Begin + `"}`}))
	s.SetText("/osv/Red Hat/modified_id.csv", Begin+",RHSA-2024:1\n")
	s.SetText("/osv/modified_id.csv", all+Begin+",Red Hat/RHSA-2024:1\n")
}

// Change offers a changed record of Debian and says so in the lists.
func (s *Server) Change(n int, date, fixed string) {
	id := fmt.Sprintf("DEBIAN-CVE-2024-%04d", n)
	s.SetText("/osv/Debian/"+id+".json", Record(n, date, fixed))
	s.prepend("/osv/modified_id.csv", date+",Debian/"+id+"\n")
	s.prepend("/osv/Debian/modified_id.csv", date+","+id+"\n")
}

// prepend puts a line before a list.
func (s *Server) prepend(path, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = append([]byte(line), s.files[path]...)
}

// KEV is a catalogue of CVE-2024-0001 to n.
func KEV(n int) string {
	var entries []string
	for i := range n {
		entries = append(entries, fmt.Sprintf(`{"cveID":"CVE-2024-%04d","dateAdded":"2024-01-02","dueDate":"2024-01-23"}`, i+1))
	}
	return `{"dateReleased":"2026-11-01T00:00:00Z","vulnerabilities":[` + strings.Join(entries, ",") + `]}`
}

// EPSS are the scores of one CVE.
func EPSS(t testing.TB, score string) []byte {
	return Gzip(t, []byte("#model_version:v2025.03.14,score_date:2026-11-01T00:00:00+0000\ncve,epss,percentile\nCVE-2024-0001,"+score+",0.9\n"))
}

func (s *Server) fillScores(t testing.TB) {
	s.SetText("/cisa/kev.json", KEV(10))
	s.Set("/epss/epss_scores-current.csv.gz", EPSS(t, "0.5"))
	for year := 2002; year <= 2026; year++ {
		s.SetNVD(t, fmt.Sprint(year), fmt.Sprintf(`{"totalResults":1,"vulnerabilities":[{"cve":{"id":"CVE-%d-0001","sourceIdentifier":"x"}}]}`, year))
	}
	s.SetNVD(t, "modified", `{"totalResults":0,"vulnerabilities":[]}`)
}

// SetNVD offers a yearly file with its description.
func (s *Server) SetNVD(t testing.TB, name, body string) {
	s.Set("/nvd/nvdcve-2.0-"+name+".json.gz", Gzip(t, []byte(body)))
	s.SetText("/nvd/nvdcve-2.0-"+name+".meta", "lastModifiedDate:2026-11-01T00:00:00-04:00\r\nsize:1\r\nsha256:"+strings.ToUpper(Sum([]byte(body)))+"\r\n")
}

const updateinfoXML = `<?xml version="1.0"?><updates><update type="security"><id>ALAS2023-2024-001</id></update></updates>`

func (s *Server) fillRPM(t testing.TB) {
	s.SetAmazon(t, "al2023/core/mirrors/latest/x86_64/mirror.list", "al2023/core/guids/1", updateinfoXML)
	s.SetAmazon(t, "2/core/latest/x86_64/mirror.list", "2/core/2.0/x86_64/1", updateinfoXML)
	s.SetAmazon(t, "2/extras/docker/latest/x86_64/mirror.list", "2/extras/docker/1", updateinfoXML)
	s.SetText("/amazon/2/extras-catalog.json", `{"topics":[{"n":"docker"},{"n":"gone"},{"n":"../up"}]}`)
	s.SetText("/oracle/elsa.xml.bz2", "BZh91AY and so on")
	s.SetText("/suse/", `<html><a href="../">up</a><a href="suse.linux.enterprise.15.xml.gz">x</a><a href="suse.linux.enterprise.15-affected.xml.gz">x</a>`+
		`<a href="suse.linux.enterprise.15-affected.xml.bz2">x</a><a href="opensuse.leap.15.6.xml.gz">x</a><a href="suse.linux.enterprise.15-patch.xml.gz">x</a></html>`)
	s.SetText("/suse", string(s.files["/suse/"]))
	for _, name := range []string{"suse.linux.enterprise.15-affected.xml.gz", "opensuse.leap.15.6.xml.gz"} {
		s.Set("/suse/"+name, Gzip(t, []byte("<oval_definitions/>")))
	}
	s.SetText("/rocky/", `{"advisories":[{"name":"RLSA-2024:0002","updated_at":"2024-02-01"},{"name":"RLSA-2024:0001","updated_at":"2024-01-01"}],"total":2}`)
	s.SetText("/msrc/updates", `{"value":[{"ID":"2024-Jan","CurrentReleaseDate":"2024-01-09T08:00:00Z"},{"ID":"2024-Feb","CurrentReleaseDate":"2024-02-13T08:00:00Z"},{"ID":"../up"}]}`)
	for _, month := range []string{"2024-Jan", "2024-Feb"} {
		s.SetText("/msrc/cvrf/"+month, Updates(month))
	}
	s.SetText("/photon/photon_versions.json", `{"branches":["4.0","5.0"]}`)
	for _, version := range []string{"4.0", "5.0"} {
		s.SetText("/photon/cve_data_photon"+version+".json", `[{"cve_id":"CVE-2024-0001","pkg":"x"}]`)
	}
	s.FillVEX(t)
}

// SetAmazon offers a repository: the list of its mirrors names Amazon's own
// address, as a copy of it would.
func (s *Server) SetAmazon(t testing.TB, list, base, xml string) {
	packed := Gzip(t, []byte(xml))
	s.SetText("/amazon/"+list, "https://cdn.amazonlinux.com/"+base+"\n")
	s.Set("/amazon/"+base+"/repodata/updateinfo.xml.gz", packed)
	s.SetText("/amazon/"+base+"/repodata/repomd.xml", `<repomd><data type="primary"><location href="repodata/primary.xml.gz"/></data>`+
		`<data type="updateinfo"><checksum type="sha256">`+Sum(packed)+`</checksum><location href="repodata/updateinfo.xml.gz"/></data></repomd>`)
}

// Updates is a monthly document of Microsoft's with one update.
func Updates(month string) string {
	return fmt.Sprintf(`{"DocumentTracking":{"CurrentReleaseDate":"2024-02-13T08:00:00Z"},"DocumentTitle":{"Value":%q},`+
		`"ProductTree":{"FullProductName":[{"ProductID":"1","Value":"Windows Server 2019"}]},"Vulnerability":[{"CVE":"CVE-2024-0001",`+
		`"Remediations":[{"Type":2,"Description":{"Value":"5034127"},"FixedBuild":"10.0.17763.5329","ProductID":["1"]}]}]}`, month)
}

// VEX is a document of Red Hat's directory.
func VEX(cve, text string) string {
	return fmt.Sprintf(`{"document":{"tracking":{"id":%q}},"text":%q}`, cve, text)
}

// FillVEX offers a directory with an archive of three documents.
func (s *Server) FillVEX(t testing.TB) {
	documents := map[string]string{"index.txt": "no document"}
	for i := range 3 {
		documents[fmt.Sprintf("2024/cve-2024-000%d.json", i)] = VEX(fmt.Sprintf("CVE-2024-000%d", i), "first")
	}
	s.SetVEXArchive(t, "csaf_vex_2026-11-01.tar.zst", documents)
	s.SetText("/redhat/vex/changes.csv", `"2024/cve-2024-0000.json","2026-10-01T10:00:00+00:00"`+"\n")
	s.SetText("/redhat/vex/deletions.csv", `"2020/cve-2020-0001.json","2026-10-01T10:00:00+00:00"`+"\n")
}

// SetVEXArchive offers an archive with its checksum.
func (s *Server) SetVEXArchive(t testing.TB, name string, documents map[string]string) {
	packed := Zstd(t, Tar(t, documents))
	s.SetText("/redhat/vex/archive_latest.txt", name+"\n")
	s.Set("/redhat/vex/"+name, packed)
	s.SetText("/redhat/vex/"+name+".sha256", Sum(packed)+"  "+name+"\n")
}

// ChangeVEX offers a changed document with its checksum and says so in the list.
func (s *Server) ChangeVEX(cve, date, text string) {
	name := cve[4:8] + "/" + strings.ToLower(cve) + ".json"
	body := VEX(cve, text)
	s.SetText("/redhat/vex/"+name, body)
	s.SetText("/redhat/vex/"+name+".sha256", Sum([]byte(body))+"  x\n")
	s.prepend("/redhat/vex/changes.csv", fmt.Sprintf("%q,%q\n", name, date))
}

// DeleteVEX says that a document is gone.
func (s *Server) DeleteVEX(cve, date string) {
	s.prepend("/redhat/vex/deletions.csv", fmt.Sprintf("%q,%q\n", cve[4:8]+"/"+strings.ToLower(cve)+".json", date))
}

func (s *Server) fillOthers(t testing.TB) {
	s.SetText("/debian/data/DSA/list", "[01 Nov 2026] DSA-6000-1 bash - security update\n\t{CVE-2024-0001}\n\t[bookworm] - bash 5.2-1\n")
	s.SetText("/debian/data/DLA/list", "[01 Nov 2026] DLA-4000-1 bash - security update\n\t{CVE-2024-0001}\n\t[bullseye] - bash 5.1-1\n")
	s.SetText("/nuclei/cves.json", `{"ID":"CVE-2024-0001","Info":{"Name":"x","Severity":"high"},"file_path":"http/cves/2024/CVE-2024-0001.yaml"}`+"\n")
	s.Set("/bottlerocket/updateinfo.xml.gz", Gzip(t, []byte(updateinfoXML)))
	s.SetText("/debian/tracker/data/json", `{"bash":{"CVE-2024-0001":{"releases":{"bookworm":{"status":"open"}}}}}`)
	s.SetText("/alpine", `<html><pre><a href="../">../</a><a href="edge/">edge/</a><a href="v3.20/">v3.20/</a><a href="license.txt">x</a></pre></html>`)
	for _, name := range []string{"edge/main", "v3.20/main", "v3.20/community"} {
		s.SetText("/alpine/"+name+".json", `{"distroversion":"v3.20","reponame":"main","packages":[{"pkg":{"name":"a","secfixes":{"1-r0":["CVE-2024-0001"]}}}]}`)
	}
	s.SetText("/eol/products/full", `{"result":[{"name":"debian","releases":[]}]}`)
	s.SetText("/exploitdb/files_exploits.csv", "id,file,codes\n1,a,CVE-2024-0001\n")
	s.SetText("/msf/modules_metadata_base.json", `{"exploit/a":{"fullname":"exploit/a","references":["CVE-2024-0001"]}}`)
	s.Set("/ubuntu/osv-all.tar.xz", XZ(t, Tar(t, map[string]string{"osv/cve/2024/UBUNTU-CVE-2024-0001.json": `{"id":"UBUNTU-CVE-2024-0001"}`, "osv/README": "x"})))
}
