#!/usr/bin/perl
# Loads the kernel modules of the command line and their dependencies in the guest. kmod would search /lib/modules, and
# is not installed everywhere; perl is. The guest's kernel also calls this program to request modules, often by an alias
# such as "rtnl-link-sit".
use strict;
use warnings;

my $finit_module = 313; # the number of the system call on x86-64
my $exists       = 17;  # EEXIST: already loaded

chomp(my $release = do { open my $in, '<', '/proc/sys/kernel/osrelease' or die "osrelease: $!\n"; <$in> });
my $directory = "/usr/lib/uml/modules/$release";
my (%path, %needs, %alias);

sub plain { my $name = shift; $name =~ tr/-/_/; return $name }

open my $dependencies, '<', "$directory/modules.dep" or die "$directory/modules.dep: $!\n";
while (<$dependencies>) {
    my ($file, @files) = split /:?\s+/;
    my ($name) = $file =~ m{([^/]+)\.ko$} or next;
    $path{plain $name}  = $file;
    $needs{plain $name} = [reverse @files]; # the file lists the deepest dependency last
}
open my $aliases, '<', "$directory/modules.alias" or die "$directory/modules.alias: $!\n";
while (<$aliases>) {
    push @{$alias{plain $1}}, plain $2 if /^alias (\S+) (\S+)/;
}

sub insert {
    my $file = "$directory/" . shift;
    open my $module, '<', $file or die "$file: $!\n";
    my $parameters = '';
    syscall($finit_module, fileno $module, $parameters, 0) == 0 or $! == $exists or die "$file: $!\n";
}

for my $wanted (grep { !/^-/ } @ARGV) {
    my $plain = plain $wanted;
    my @names = $path{$plain} ? $plain : grep { $path{$_} } @{$alias{$plain} || []};
    @names or die "no module $wanted\n";
    for my $name (@names) {
        insert($_) for @{$needs{$name}}, $path{$name};
    }
}
