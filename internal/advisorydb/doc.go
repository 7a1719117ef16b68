// Package advisorydb keeps advisories and vulnerability intelligence in
// compact immutable files: written once by a builder, opened by mapping them
// into memory, looked up by key without decoding the rest. A Set is one
// snapshot of them: a folder with a manifest.
//
// A file is a header, then sections, each with a CRC-32C. What a lookup needs
// first (the index and the record heads) is verified once, on first use; the
// rest carries a checksum per block and is verified whenever it is read. So a
// damaged file is an error that names the file, never a wrong answer, and
// opening costs milliseconds whatever the size. Every length and offset read
// from a file is checked against its bounds.
//
// Three kinds of file exist: advisories of one ecosystem (records by package),
// tables (documents by text key, for CVE details, KEV and the like) and EPSS
// scores (fixed rows). Nothing is kept on the heap but the headers.
package advisorydb
