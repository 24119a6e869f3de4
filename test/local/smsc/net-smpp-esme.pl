# An ESME over Perl's Net::SMPP. Takes orders as lines of JSON, [method, {arguments}], and tells what comes
# from the SMSC as lines of JSON. Texts are hexadecimal on both sides. Ends with the connection, or with its orders.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Net::SMPP;

my ($bind, $host, $port, $user, $password) = @ARGV;
my $json = JSON::PP->new->canonical;
$| = 1;

my $constructor = "new_$bind";
my ($smpp, $bound) = Net::SMPP->$constructor($host,
    port => $port, system_id => $user, password => $password, smpp_version => 0x34, interface_version => 0x34);
die "cannot connect" if !defined $bound;
report($bound);
exit if $bound->status;

my $select = IO::Select->new($smpp, \*STDIN);
while (1) {
    for my $ready ($select->can_read) {
        if ($ready == $smpp) {
            my $pdu = $smpp->read_pdu or exit;
            report($pdu);
            $smpp->deliver_sm_resp(seq => $pdu->seq, message_id => '') if $pdu->explain_cmd eq 'deliver_sm';
            $smpp->enquire_link_resp(seq => $pdu->seq) if $pdu->explain_cmd eq 'enquire_link';
        } else {
            # Unbuffered, since select does not see what Perl has read ahead.
            my $line = '';
            while (sysread(STDIN, my $octet, 1)) { last if $octet eq "\n"; $line .= $octet }
            exit if $line eq '';
            my ($method, $arguments) = @{ $json->decode($line) };
            for my $octets (qw(short_message message_payload)) {
                $arguments->{$octets} = pack 'H*', $arguments->{$octets} if exists $arguments->{$octets};
            }
            $smpp->$method(%$arguments, async => 1);
        }
    }
}

sub report {
    my ($pdu) = @_;
    my %told = (command => $pdu->explain_cmd, status => $pdu->status, sequence => $pdu->seq);
    for my $field (grep { !/^(data|cmd|status|seq|reserved|known_pdu|\d+)$/ } keys %$pdu) {
        my $value = $pdu->{$field};
        next if !defined $value || ref $value;
        # Net::SMPP leaves optional parameters as octets, and texts too.
        $told{$field} = $field =~ /^(short_message|message_payload|message_state|sc_interface_version)$/ ? unpack('H*', $value) : $value;
    }
    print $json->encode(\%told), "\n";
}
