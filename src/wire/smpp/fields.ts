/**
 * What SMPP 3.4 puts into the bodies of its PDUs, under its own names. Texts
 * are octets here and stay octets: what they mean is for those who know
 * `data_coding`.
 */
import type { CommandName } from './constants.ts'
import type { Tlvs } from './tlvs.ts'

export type BindFields = {
  system_id: string
  password: string
  system_type: string
  interface_version: number
  addr_ton: number
  addr_npi: number
  address_range: string
}

type Source = { source_addr_ton: number; source_addr_npi: number; source_addr: string }
type Destination = { dest_addr_ton: number; dest_addr_npi: number; destination_addr: string }

/** submit_sm and deliver_sm (sections 4.4.1 and 4.6.1). */
export type MessageFields = { service_type: string } & Source &
  Destination & {
    esm_class: number
    protocol_id: number
    priority_flag: number
    /** Section 7.1.1, as written: `YYMMDDhhmmsstnnp`. Empty: now. */
    schedule_delivery_time: string
    /** As above. Empty: as long as the carrier likes. */
    validity_period: string
    registered_delivery: number
    replace_if_present_flag: number
    data_coding: number
    sm_default_msg_id: number
    short_message: Buffer
  }

export type DestAddress = { dest_addr_ton: number; dest_addr_npi: number; destination_addr: string } | { dl_name: string }
export type UnsuccessSme = { dest_addr_ton: number; dest_addr_npi: number; destination_addr: string; error_status_code: number }

type Nothing = Record<never, never>

export type FieldsOf = {
  generic_nack: Nothing
  bind_receiver: BindFields
  bind_receiver_resp: { system_id: string }
  bind_transmitter: BindFields
  bind_transmitter_resp: { system_id: string }
  bind_transceiver: BindFields
  bind_transceiver_resp: { system_id: string }
  outbind: { system_id: string; password: string }
  unbind: Nothing
  unbind_resp: Nothing
  enquire_link: Nothing
  enquire_link_resp: Nothing
  submit_sm: MessageFields
  submit_sm_resp: { message_id: string }
  deliver_sm: MessageFields
  deliver_sm_resp: { message_id: string }
  data_sm: Omit<
    MessageFields,
    | 'protocol_id'
    | 'priority_flag'
    | 'schedule_delivery_time'
    | 'validity_period'
    | 'replace_if_present_flag'
    | 'sm_default_msg_id'
    | 'short_message'
  >
  data_sm_resp: { message_id: string }
  submit_multi: Omit<MessageFields, keyof Destination> & { dest_address: DestAddress[] }
  submit_multi_resp: { message_id: string; unsuccess_sme: UnsuccessSme[] }
  query_sm: { message_id: string } & Source
  query_sm_resp: { message_id: string; final_date: string; message_state: number; error_code: number }
  cancel_sm: { service_type: string; message_id: string } & Source & Destination
  cancel_sm_resp: Nothing
  replace_sm: { message_id: string } & Source &
    Pick<MessageFields, 'schedule_delivery_time' | 'validity_period' | 'registered_delivery' | 'sm_default_msg_id' | 'short_message'>
  replace_sm_resp: Nothing
  alert_notification: Source & { esme_addr_ton: number; esme_addr_npi: number; esme_addr: string }
}

/**
 * A PDU as it was read. `status` is command_status, of meaning in responses
 * only; a response that came without a body (as it may with an error) has empty
 * fields. `tlvs` are the optional parameters.
 */
export type Pdu<C extends CommandName = CommandName> = C extends CommandName
  ? { command: C; status: number; sequence: number; fields: FieldsOf[C]; tlvs: Tlvs }
  : never

/** These have no default: whoever forgets them would send something else than meant. */
type Needed = 'data_coding' | 'short_message' | 'interface_version' | 'system_id' | 'message_id' | 'destination_addr'

type Drafted<Fields> = Partial<Fields> & Pick<Fields, Extract<keyof Fields, Needed>>

/** A PDU to be written: fields left out are empty or 0, status 0. With a status other than 0 the body is left out (section 4). */
export type Draft<C extends CommandName = CommandName> = C extends CommandName
  ? { command: C; sequence: number; status?: number; tlvs?: Tlvs } & (keyof FieldsOf[C] extends never
      ? { fields?: Nothing }
      : { fields: Drafted<FieldsOf[C]> })
  : never
