# Makes a C file of the status page: page.html as the string that pages.h declares.

BEGIN {
	print "#include \"control/pages.h\""
	print ""
	print "const char control_page[] ="
}

{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\\&")
	print "\t\"" $0 "\\n\""
}

END {
	print "\t;"
}
