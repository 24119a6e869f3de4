# An SMSC over Perl's Net::SMPP, for one connection after the other. Says its port first, then what comes as lines of
# JSON; takes orders as lines of JSON, [method, {arguments}]. Answers binds (one password is right), enquire_links and
# unbinds by itself; submit_sms with ids that count up. Texts are hexadecimal on both sides. Ends with its orders.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Net::SMPP;

my ($password) = @ARGV;
my $json = JSON::PP->new->canonical;
$| = 1;

my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34, interface_version => 0x34,
    addr_ton => 0, addr_npi => 0, source_addr_ton => 1, source_addr_npi => 1, dest_addr_ton => 3, dest_addr_npi => 0, timeout => 600)
    or die "cannot listen: $!";
print $json->encode({ port => $listener->sockport }), "\n";

my $id = 0;
my $select = IO::Select->new($listener, \*STDIN);
my $esme;
while (1) {
    for my $ready ($select->can_read) {
        if ($ready == $listener) {
            $esme = $listener->accept or die "cannot accept: $!";
            $select->add($esme);
        } elsif (defined $esme && $ready == $esme) {
            my $pdu = $esme->read_pdu;
            if (!defined $pdu) {
                $select->remove($esme);
                $esme->close;
                undef $esme;
                print $json->encode({ command => 'gone' }), "\n";
                next;
            }
            report($pdu);
            my $command = $pdu->explain_cmd;
            if ($command =~ /^bind_(transceiver|transmitter|receiver)$/) {
                my $status = $pdu->{password} eq $password ? 0x00 : 0x0e;
                my $respond = "${command}_resp";
                $esme->$respond(seq => $pdu->seq, status => $status, system_id => 'perl', sc_interface_version => "\x34");
            }
            $esme->submit_sm_resp(seq => $pdu->seq, message_id => sprintf('%08X', 0xabc0 + ++$id)) if $command eq 'submit_sm';
            $esme->enquire_link_resp(seq => $pdu->seq) if $command eq 'enquire_link';
            $esme->unbind_resp(seq => $pdu->seq) if $command eq 'unbind';
        } else {
            # Unbuffered, since select does not see what Perl has read ahead.
            my $line = '';
            while (sysread(STDIN, my $octet, 1)) { last if $octet eq "\n"; $line .= $octet }
            exit if $line eq '';
            my ($method, $arguments) = @{ $json->decode($line) };
            for my $octets (qw(short_message message_payload message_state receipted_message_id)) {
                $arguments->{$octets} = pack 'H*', $arguments->{$octets} if exists $arguments->{$octets};
            }
            $esme->$method(%$arguments, async => 1);
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
        $told{$field} = $field =~ /^(short_message|message_payload|sar_.*)$/ ? unpack('H*', $value) : $value;
    }
    print $json->encode(\%told), "\n";
}
